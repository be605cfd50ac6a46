import type { ContainerContext, ContainerFiles } from './program.ts';

export interface ProcessEntry {
  pid: number;
  command: string;
  /** Instant of its start, ms. */
  startedAt: number;
  kill(signal: NodeJS.Signals): void;
}

class ProcessTable {
  readonly #entries: ProcessEntry[] = [];
  #next = 2;

  /** Records a process until the returned function is called. */
  add(made: Omit<ProcessEntry, 'pid'>, pid?: number): () => void {
    const entry = { pid: pid ?? this.#next++, ...made };
    this.#entries.push(entry);
    this.#entries.sort((a, b) => a.pid - b.pid);
    return () => {
      const at = this.#entries.indexOf(entry);
      if (at >= 0) this.#entries.splice(at, 1);
    };
  }

  all(): readonly ProcessEntry[] {
    return this.#entries;
  }
}

/** What runs in a container, for `ps`. A container is known by its file tree. */
const tables = new WeakMap<ContainerFiles, ProcessTable>();

export function processTable(context: Pick<ContainerContext, 'files'>): ProcessTable {
  let table = tables.get(context.files);
  if (!table) {
    table = new ProcessTable();
    tables.set(context.files, table);
  }
  return table;
}
