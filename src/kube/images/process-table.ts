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

  /** Records a process under a number of its own, until it is removed. */
  add(made: Omit<ProcessEntry, 'pid'>, pid?: number): { pid: number; remove(): void } {
    const entry = { pid: pid ?? this.#next++, ...made };
    this.#entries.push(entry);
    this.#entries.sort((a, b) => a.pid - b.pid);
    return {
      pid: entry.pid,
      remove: () => {
        const at = this.#entries.indexOf(entry);
        if (at >= 0) this.#entries.splice(at, 1);
      },
    };
  }

  /** Signals a process; false when there is none of that number. Signal 0 only asks. */
  signal(pid: number, signal: NodeJS.Signals | undefined): boolean {
    const entry = this.#entries.find((one) => one.pid === pid);
    if (entry && signal) entry.kill(signal);
    return entry !== undefined;
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
