export interface PageEvents {
  /** The page may be gone the next moment. */
  leaving(): void;
  /** Something would be lost if it were. */
  wouldLose(): boolean;
  online(): unknown;
  click(target: Element): void;
}

/** What the browser tells a page as a whole; returns how to stop listening. */
export function listenToPage(events: PageEvents): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  document.addEventListener('click', (event) => events.click(event.target as Element), { signal });
  document.addEventListener('visibilitychange', () => events.leaving(), { signal });
  addEventListener('pagehide', () => events.leaving(), { signal });
  addEventListener('online', () => events.online(), { signal });
  addEventListener(
    'beforeunload',
    (event) => {
      if (events.wouldLose()) event.preventDefault();
    },
    { signal },
  );
  return () => stop.abort();
}
