import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';

/** Editors write a file in several steps; what comes within this time, ms, is one change. */
const GATHER_MS = 250;

/** Files that editors leave beside what is edited. */
const NOT_CONTENT = /(^|[/\\])(\.|#|4913$)|~$|\.sw[a-z]$/;

/**
 * Watches folders and calls back with the files that changed, relative to `root`, one call after the other. What changes
 * during a call is the next one. Returns what stops it.
 */
export function watchChanges(
  root: string,
  folders: string[],
  onChange: (files: string[]) => Promise<void>,
): () => void {
  const pending = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let busy = false;
  const gather = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void tell(), GATHER_MS);
  };
  const tell = async (): Promise<void> => {
    if (busy || pending.size === 0) return;
    busy = true;
    const files = [...pending].sort();
    pending.clear();
    try {
      await onChange(files);
    } finally {
      busy = false;
      if (pending.size > 0) gather();
    }
  };
  const watchers: FSWatcher[] = folders.map((folder) =>
    watch(join(root, folder), { recursive: true }, (_, name) => {
      if (name === null || NOT_CONTENT.test(name)) return;
      pending.add(join(folder, name));
      gather();
    }),
  );
  return () => {
    clearTimeout(timer);
    pending.clear();
    for (const watcher of watchers) watcher.close();
  };
}
