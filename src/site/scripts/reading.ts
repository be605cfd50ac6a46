/** What reading pages need: copying a command. The workbench is loaded only when a lab is started. */
for (const button of document.querySelectorAll<HTMLButtonElement>('[data-copy]')) {
  button.addEventListener('click', async () => {
    const text = button.closest<HTMLElement>('[data-command]')?.dataset['command'] ?? '';
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  });
}
