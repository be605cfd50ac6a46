export type Scheme = 'light' | 'dark';

const system = matchMedia('(prefers-color-scheme: dark)');

/** The colours that are shown now: the reader's choice, or the system's. */
export function currentScheme(): Scheme {
  const chosen = document.documentElement.dataset['theme'];
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return system.matches ? 'dark' : 'light';
}

/** Calls `listener` when the colours change, by the reader or by the system; returns how to stop that. */
export function onSchemeChange(listener: (scheme: Scheme) => void): () => void {
  const tell = () => listener(currentScheme());
  system.addEventListener('change', tell);
  document.addEventListener('academy:theme', tell);
  return () => {
    system.removeEventListener('change', tell);
    document.removeEventListener('academy:theme', tell);
  };
}
