// Loaded before the first paint: the colours the reader chose, without a flash of the others.
try {
  const theme = localStorage.getItem('academy.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage can be switched off; the system's colours are used then.
}
