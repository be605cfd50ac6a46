/** The reader's choice of colours: the system's, light or dark. `public/theme.js` applies it before the first paint. */
const KEY = 'academy.theme';

export function startThemeSwitch(select: HTMLSelectElement | null): void {
  if (!select) return;
  const root = document.documentElement;
  select.value = root.dataset['theme'] ?? 'auto';
  select.parentElement!.hidden = false;
  select.addEventListener('change', () => {
    apply(select.value);
    try {
      localStorage.setItem(KEY, select.value);
    } catch {
      // Not remembered then; applied all the same.
    }
  });
  // Another tab of the same reader follows.
  addEventListener('storage', (event) => {
    if (event.key !== KEY) return;
    select.value = event.newValue ?? 'auto';
    apply(select.value);
  });

  function apply(theme: string): void {
    if (theme === 'light' || theme === 'dark') root.dataset['theme'] = theme;
    else delete root.dataset['theme'];
    document.dispatchEvent(new Event('academy:theme'));
  }
}
