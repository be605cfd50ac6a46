import { UsageError } from '../flags.ts';
import type { Invocation, Verb } from '../verb.ts';
import { requireViz } from './extension.ts';
import { openTap } from './tap-events.ts';
import { TAP_FLAGS, TAPPED_RESOURCES, tapRequest } from './tap-request.ts';
import { TopTable } from './top-table.ts';

const DRAW_MS = 100;
const SCROLL = 5;
const decoder = new TextDecoder();

export const top: Verb = {
  name: 'top',
  summary: 'Display sorted information about live traffic',
  long: `Display sorted information about live traffic.

  The RESOURCE argument specifies the target resource(s) to view traffic for:
${TAPPED_RESOURCES}`,
  usage: '[flags] (RESOURCE)',
  examples: `  # display traffic for the web deployment in the default namespace
  linkerd viz top deploy/web

  # display traffic for the web-dlbvj pod in the default namespace
  linkerd viz top pod/web-dlbvj`,
  takes: { least: 1, most: 2 },
  flags: [
    ...TAP_FLAGS,
    { name: 'hide-sources', usage: 'Hide the source column' },
    { name: 'routes', usage: 'Display data per route instead of per path' },
  ],
  async run(invocation) {
    await requireViz(invocation);
    const { flags, context } = invocation;
    const on = (name: string) => flags.values.get(name) === 'true';
    const table = new TopTable({ hideSources: on('hide-sources'), routes: on('routes') });
    const stop = new AbortController();
    const signal = AbortSignal.any([context.signal, stop.signal]);
    const events = await openTap(
      { ...invocation, context: { ...context, signal } } as Invocation,
      tapRequest(invocation, false),
    );
    try {
      await new Screen(invocation, table, signal, () => stop.abort()).run(events);
    } finally {
      stop.abort();
    }
    return 0;
  },
};

/** The table over the whole terminal, drawn anew ten times a second. */
class Screen {
  readonly #invocation: Invocation;
  readonly #table: TopTable;
  readonly #signal: AbortSignal;
  readonly #quit: () => void;
  #left = 0;

  constructor(invocation: Invocation, table: TopTable, signal: AbortSignal, quit: () => void) {
    this.#invocation = invocation;
    this.#table = table;
    this.#signal = signal;
    this.#quit = quit;
  }

  async run(events: AsyncIterable<Parameters<TopTable['take']>[0]>): Promise<void> {
    const { context, out, clock } = this.#invocation;
    const { tty } = context;
    if (!tty) throw new UsageError('open /dev/tty: no such device or address');
    const restore = tty.setRaw();
    await out('\x1b[?1049h\x1b[?25l');
    try {
      void this.#keys(tty.keys ?? context.stdin);
      void this.#take(events);
      while (!this.#signal.aborted) {
        await out(this.#frame(tty.size));
        await clock.sleep(DRAW_MS, this.#signal).catch(() => {});
      }
    } finally {
      restore();
      await out('\x1b[?25h\x1b[?1049l').catch(() => {});
    }
  }

  async #take(events: AsyncIterable<Parameters<TopTable['take']>[0]>): Promise<void> {
    try {
      for await (const event of events) this.#table.take(event);
    } catch {
      // The stream was cut: what was counted stays to be looked at.
    }
  }

  async #keys(keys: { read(signal?: AbortSignal): Promise<Uint8Array | undefined> }): Promise<void> {
    try {
      while (!this.#signal.aborted) {
        const chunk = await keys.read(this.#signal);
        if (!chunk) return;
        for (const key of decoder.decode(chunk).match(/\x1b\[[A-Z]|\x1bO[A-Z]|[\s\S]/g) ?? []) {
          if (key === 'q' || key === '\x03') this.#quit();
          else if (key === 'a' || key === '\x1b[D') this.#left = Math.max(0, this.#left - SCROLL);
          else if (key === 'd' || key === '\x1b[C') this.#left += SCROLL;
        }
      }
    } catch {
      // Nobody types any more.
    }
  }

  #frame({ columns, rows }: { columns: number; rows: number }): string {
    const [header = '', ...lines] = this.#table.lines();
    const cut = (line: string) => line.slice(this.#left, this.#left + columns);
    this.#left = Math.min(this.#left, Math.max(0, header.length - columns));
    const frame = [
      '(press q to quit)'.slice(0, columns),
      '(press a/LeftArrowKey to scroll left, d/RightArrowKey to scroll right)'.slice(0, columns),
      '',
      `\x1b[1m${cut(header)}\x1b[0m`,
      ...lines.map(cut),
    ].slice(0, rows);
    return `\x1b[H${frame.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`;
  }
}
