import type { ApiErrorBody, SessionView } from '#schema/protocol.ts';

/**
 * The Start button. The workbench is a program of its own and is loaded only when a lab is started, or when this
 * browser has one running here: nothing of it costs a reader anything.
 */
export function startLabButton(): void {
  const box = document.querySelector<HTMLElement>('[data-lab]');
  const button = box?.querySelector<HTMLButtonElement>('[data-start]');
  if (!box || !button) return;
  const lab = box.dataset['lab']!;
  const text = box.querySelector<HTMLElement>('[data-start-text]');
  button.hidden = false;

  const open = async (session: SessionView, begun: boolean) => {
    const { openWorkbench } = await import('#workbench/open.ts');
    remember(lab, 'running');
    openWorkbench({
      lab,
      session,
      begun,
      next: box.dataset['next'],
      onHidden: () => {
        remember(lab, 'hidden');
        offerReturn();
      },
      onGone: () => {
        remember(lab, null);
        button.textContent = 'Start lab';
      },
    });
    button.disabled = false;
  };
  const offerReturn = () => {
    button.textContent = 'Return to the lab';
    if (text) text.textContent = 'Your cluster is still running.';
  };

  button.addEventListener('click', async () => {
    button.disabled = true;
    if (text) text.textContent = 'Starting …';
    try {
      const response = await fetch(`/api/labs/${lab}/session`, { method: 'POST' });
      if (!response.ok) throw await asError(response);
      await open((await response.json()) as SessionView, true);
    } catch (error) {
      button.disabled = false;
      if (text) text.textContent = reason(error);
    }
  });

  // A reader without a session is not asked for one: only a browser that started this lab looks whether it still runs.
  const known = remembered(lab);
  if (!known) return;
  fetch(`/api/labs/${lab}/session`)
    .then(async (response) => {
      if (!response.ok) return remember(lab, null);
      const session = (await response.json()) as SessionView;
      if (session.state === 'ended' || session.state === 'failed') return remember(lab, null);
      if (known === 'hidden') return offerReturn();
      await open(session, false);
    })
    .catch(() => {});
}

async function asError(response: Response): Promise<Error> {
  try {
    const { error } = (await response.json()) as { error: ApiErrorBody };
    return new Error(`${error.message} ${error.hint}`);
  } catch {
    return new Error(`The academy answered with status ${response.status}.`);
  }
}

function reason(error: unknown): string {
  if (error instanceof TypeError)
    return 'The academy does not answer. Is it still running? Start it again, then try once more.';
  return error instanceof Error ? error.message : String(error);
}

function remembered(lab: string): string | null {
  try {
    return localStorage.getItem(`academy.lab ${lab}`);
  } catch {
    return null;
  }
}

function remember(lab: string, state: 'running' | 'hidden' | null): void {
  try {
    if (state) localStorage.setItem(`academy.lab ${lab}`, state);
    else localStorage.removeItem(`academy.lab ${lab}`);
  } catch {
    // The learner presses Start again then, and comes back to the same session.
  }
}
