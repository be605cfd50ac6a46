let second = Number.NaN;
let written = '';

/**
 * An instant (ms since the epoch) to the second, as Kubernetes writes them: `2026-11-24T21:12:12Z`. What happens at one
 * instant asks for the same text again and again, so the last is kept.
 */
export function rfc3339(ms: number): string {
  const asked = Math.floor(ms / 1000);
  if (asked !== second) {
    written = `${new Date(asked * 1000).toISOString().slice(0, -5)}Z`;
    second = asked;
  }
  return written;
}
