import type { Message } from '#mesh/api/protobuf.ts';
import { addressText, labelsOf, methodText } from './tap-lines.ts';

/** UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const GRPC_FAILURES = new Set([2, 4, 13, 14, 15]);
/** Requests whose end is waited for, at most: what never ends is forgotten. */
const MOST_OPEN = 10_000;

interface Row {
  source: string;
  destination: string;
  method: string;
  path: string;
  route: string;
  count: number;
  best: number;
  worst: number;
  last: number;
  successes: number;
}

interface Column {
  header: string;
  width: number;
  /** As wide as its widest cell. */
  flexible: boolean;
  /** Rows that are alike in these are one. */
  key: boolean;
  right: boolean;
  cell(row: Row): string;
}

const column = (header: string, width: number, cell: Column['cell'], kind: Partial<Column> = {}): Column => ({
  header,
  width,
  cell,
  flexible: false,
  key: false,
  right: false,
  ...kind,
});
const KEY = { key: true, flexible: true };
const RIGHT = { right: true };

/** What `top` shows: the requests that ended, added up. */
export class TopTable {
  readonly #columns: Column[];
  readonly #rows: Row[] = [];
  readonly #open = new Map<string, { event: Message; status?: number }>();

  constructor({ hideSources, routes }: { hideSources: boolean; routes: boolean }) {
    this.#columns = [
      ...(hideSources ? [] : [column('Source', 23, ({ source }) => source, KEY)]),
      column('Destination', 23, ({ destination }) => destination, KEY),
      ...(routes
        ? [column('Route', 47, ({ route }) => route, KEY)]
        : [column('Method', 10, ({ method }) => method, { key: true }), column('Path', 37, ({ path }) => path, KEY)]),
      column('Count', 6, ({ count }) => String(count), RIGHT),
      column('Best', 6, ({ best }) => durationText(best), RIGHT),
      column('Worst', 6, ({ worst }) => durationText(worst), RIGHT),
      column('Last', 6, ({ last }) => durationText(last), RIGHT),
      column('Success Rate', 12, ({ successes, count }) => `${((100 * successes) / count).toFixed(2)}%`, RIGHT),
    ];
  }

  take(event: Message): void {
    const { request_init: request, response_init: response, response_end: end } = event['http'] ?? {};
    const { id = {} } = request ?? response ?? end ?? {};
    const key = `${addressText(event['source'])}->${addressText(event['destination'])}(${id.stream ?? 0})`;
    if (request) {
      if (this.#open.size >= MOST_OPEN) this.#open.delete(this.#open.keys().next().value!);
      this.#open.set(key, { event });
      return;
    }
    const known = this.#open.get(key);
    if (!known) return;
    if (response) known.status = response.http_status ?? 0;
    else if (end) {
      this.#open.delete(key);
      this.#insert(rowOf(known.event, known.status ?? 0, end));
    }
  }

  #insert(row: Row): void {
    const keys = this.#columns.filter(({ key }) => key);
    const same = this.#rows.find((known) => keys.every(({ cell }) => cell(known) === cell(row)));
    if (!same) {
      this.#rows.push(row);
      return;
    }
    same.count++;
    same.best = Math.min(same.best, row.best);
    same.worst = Math.max(same.worst, row.worst);
    same.last = row.last;
    same.successes += row.successes;
  }

  /** Header and rows, the most frequent first. */
  lines(): string[] {
    this.#rows.sort((a, b) => b.count - a.count);
    const widths = this.#columns.map(({ header, width, flexible, cell }) =>
      flexible ? Math.max(header.length, ...this.#rows.map((row) => cell(row).length)) : width,
    );
    const line = (text: (column: Column) => string) =>
      this.#columns
        .map((each, i) => (each.right ? text(each).padStart(widths[i]!) : text(each).padEnd(widths[i]!)))
        .join('  ');
    return [line(({ header }) => header), ...this.#rows.map((row) => line(({ cell }) => cell(row)))];
  }
}

function rowOf(event: Message, status: number, end: Message): Row {
  const { request_init: request } = event['http'];
  const { seconds = 0, nanos = 0 } = end['since_request_init'] ?? {};
  const latency = seconds * 1e6 + nanos / 1e3;
  const { grpc_status_code: code, reset_error_code: reset } = end['eos'] ?? {};
  const success = status < 500 && reset === undefined && !GRPC_FAILURES.has(code);
  const who = (address: Message, meta: Message) => labelsOf(meta)['pod'] || addressText(address).split(':')[0]!;
  return {
    source: who(event['source'], event['source_meta']),
    destination: who(event['destination'], event['destination_meta']),
    method: methodText(request.method),
    path: request.path ?? '',
    route: labelsOf(event['route_meta'])['route'] || '[DEFAULT]',
    count: 1,
    best: latency,
    worst: latency,
    last: latency,
    successes: success ? 1 : 0,
  };
}

/** Microseconds as Go prints a duration that was rounded to its unit. */
function durationText(us: number): string {
  if (us < 1000) return us === 0 ? '0s' : `${Math.round(us)}µs`;
  if (us < 1e6) return `${Math.round(us / 1000)}ms`;
  const seconds = Math.round(us / 1e6);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
