import { goPrint } from '#kube/api/go-json.ts';
import type { KubeObject } from '#kube/api/types.ts';

import { tableWriter } from './tab-writer.ts';

/** A meta.k8s.io/v1 Table as the server answers it. */
export interface Table {
  kind: 'Table';
  metadata?: { resourceVersion?: string };
  columnDefinitions: { name: string; type: string; format?: string; priority: number }[];
  rows: { cells: unknown[]; object: KubeObject }[] | null;
}

export const TABLE_ACCEPT =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

export interface TableOptions {
  wide: boolean;
  noHeaders: boolean;
  withNamespace: boolean;
  showLabels: boolean;
  labelColumns: string[];
  /** `deployment.apps`, put before every name. */
  kindPrefix?: string;
}

export const isTable = (value: unknown): value is Table => (value as Table | undefined)?.kind === 'Table';

/** Prints tables of one resource after the other; columns keep their widths, as in `get --watch`. */
export class TablePrinter {
  readonly #writer = tableWriter();
  readonly #options: TableOptions;
  #columns: Table['columnDefinitions'] = [];
  #headed = false;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** Adds a table; a watch sends the columns only once. `event` is shown in front when given. */
  add(table: Table, event?: string): void {
    if (table.columnDefinitions?.length > 0) this.#columns = table.columnDefinitions;
    if (!this.#headed && !this.#options.noHeaders && (table.rows?.length ?? 0) > 0) {
      this.#headed = true;
      this.#writer.write(`${this.#header(event !== undefined).join('\t')}\n`);
    }
    for (const row of table.rows ?? []) {
      this.#writer.write(`${this.#cells(row, event).join('\t')}\n`);
    }
  }

  flush(): string {
    return this.#writer.flush();
  }

  #shown(): number[] {
    return this.#columns.flatMap((column, i) => (this.#options.wide || column.priority === 0 ? [i] : []));
  }

  #header(withEvent: boolean): string[] {
    const { withNamespace, showLabels, labelColumns } = this.#options;
    return [
      ...(withEvent ? ['EVENT'] : []),
      ...(withNamespace ? ['NAMESPACE'] : []),
      ...this.#shown().map((i) => this.#columns[i]!.name.toUpperCase()),
      ...labelColumns.map((label) => label.slice(label.lastIndexOf('/') + 1).toUpperCase()),
      ...(showLabels ? ['LABELS'] : []),
    ];
  }

  #cells(row: { cells: unknown[]; object: KubeObject }, event?: string): string[] {
    const { withNamespace, showLabels, labelColumns, kindPrefix } = this.#options;
    const metadata = row.object?.metadata ?? {};
    const labels = metadata.labels ?? {};
    return [
      ...(event === undefined ? [] : [event.padEnd(8)]),
      ...(withNamespace ? [metadata.namespace ?? ''] : []),
      ...this.#shown().map((i, at) => {
        const text = cellText(row.cells[i]);
        return at === 0 && kindPrefix ? `${kindPrefix}/${text}` : text;
      }),
      ...labelColumns.map((label) => labels[label] ?? ''),
      ...(showLabels ? [formatLabels(labels)] : []),
    ];
  }
}

/** One line at most: a cell that has more ends in three dots. */
function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell !== 'string') return goPrint(cell);
  const end = cell.search(/[\f\n\r]/);
  return end < 0 ? cell : `${cell.slice(0, end)}...`;
}

/** `a=1,b=2`, sorted; `<none>` when there are none. */
export function formatLabels(labels: Record<string, string> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',');
}

/** Rows under headers, aligned as `kubectl get` aligns them. */
export function alignRows(headers: string[] | undefined, rows: string[][]): string {
  const writer = tableWriter();
  for (const row of headers ? [headers, ...rows] : rows) writer.write(`${row.join('\t')}\n`);
  return writer.flush();
}
