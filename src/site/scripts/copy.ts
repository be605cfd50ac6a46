/** Copy buttons of commands and files. Says on the button itself whether it worked. */
export function startCopyButtons(): void {
  document.addEventListener('click', (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>('[data-copy]');
    const text = button?.closest<HTMLElement>('[data-command]')?.dataset['command'];
    if (!button || text === undefined) return;
    copyText(text).then(
      () => sayOn(button, 'Copied'),
      () => {
        selectText(button.closest('[data-command]')!.querySelector('code')!);
        sayOn(button, 'Press Ctrl-C');
      },
    );
  });
}

async function copyText(text: string): Promise<void> {
  if (!navigator.clipboard) throw new Error('no clipboard on this origin');
  await navigator.clipboard.writeText(text);
}

function selectText(element: Element): void {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection?.removeAllRanges();
  selection?.addRange(range);
}

function sayOn(button: HTMLButtonElement, word: string): void {
  button.dataset['label'] ??= button.textContent ?? '';
  button.textContent = word;
  setTimeout(() => {
    button.textContent = button.dataset['label'] ?? '';
  }, 1600);
}
