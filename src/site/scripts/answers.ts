/**
 * Questions to answer before looking. The choice is kept on this machine; whether it was right is said only when the
 * reader opens the comparison.
 */
export function startAnswers(): void {
  for (const fieldset of document.querySelectorAll<HTMLFieldSetElement>('[data-answer]')) startAnswer(fieldset);
}

function startAnswer(fieldset: HTMLFieldSetElement): void {
  const key = `academy.answer ${location.pathname.replace(/\/$/, '')} ${fieldset.dataset['answer']}`;
  const right = fieldset.dataset['right'];
  const details = fieldset.querySelector('details');
  const said = document.createElement('p');
  said.className = 'said';
  said.setAttribute('role', 'status');
  fieldset.querySelector('.options')?.after(said);

  const chosen = () => fieldset.querySelector<HTMLInputElement>('input:checked')?.value;
  const tell = () => {
    const value = chosen();
    if (value === undefined) said.textContent = '';
    else if (!details?.open) said.textContent = 'Noted. Now look, then compare.';
    else if (value === right) said.textContent = `You said: ${value}. So it is.`;
    else said.textContent = `You said: ${value}. It is different.`;
    fieldset.toggleAttribute('data-answered', value !== undefined);
  };

  const before = read(key);
  for (const input of fieldset.querySelectorAll('input')) if (input.value === before) input.checked = true;
  tell();
  fieldset.addEventListener('change', () => {
    const value = chosen();
    if (value !== undefined) write(key, value);
    tell();
  });
  details?.addEventListener('toggle', tell);
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Not kept then.
  }
}
