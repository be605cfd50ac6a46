import type { Clock } from '#base/clock.ts';
import type { ByteWriter } from '#shell/stdio.ts';
import { jsonLine, type LogLine } from './log-json.ts';

const LEVELS = ['off', 'error', 'warn', 'info', 'debug', 'trace'];
export type ProxyLogLevel = 'error' | 'warn' | 'info' | 'debug';

const DIRECTIVE = new RegExp(`^(?:[\\w:[\\]{}]+=)?(?:${LEVELS.join('|')})$`, 'i');

/** The level that a directive list (`warn,linkerd=info,…`) gives the proxy's own modules. */
function levelOf(directives: string): number {
  let base = 'warn';
  let own: string | undefined;
  for (const each of directives.split(',').map((part) => part.trim())) {
    const [, target, level] = /^(?:(\w+)=)?(\w+)$/.exec(each) ?? [];
    if (!level || !LEVELS.includes(level)) continue;
    if (!target) base = level;
    else if (target === 'linkerd' || target === 'linkerd2_proxy') own = level;
  }
  return LEVELS.indexOf(own ?? base);
}

/** The proxy's log. In its plain format: seconds since its start, level, thread, where, what. */
export class ProxyLog {
  readonly #write: ByteWriter;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #isJson: boolean;
  #directives: string;
  #level: number;

  constructor(options: { stdout: ByteWriter; clock: Clock; directives: string; format?: string }) {
    this.#write = options.stdout;
    this.#clock = options.clock;
    this.#startedAt = options.clock.now();
    // What is neither is plain (linkerd/tracing/src/lib.rs).
    this.#isJson = options.format?.trim().toLowerCase() === 'json';
    this.#directives = options.directives;
    this.#level = levelOf(options.directives);
  }

  /**
   * As the proxy shows them: its own for the access log, those of modules, of spans, the one for all others, and those of
   * spans once more, which it keeps twice.
   */
  get directives(): string {
    const parts = this.#directives.split(',').map((part) => part.trim());
    const target = (part: string) => part.split('=')[0]!;
    const spans = parts.filter((part) => part.startsWith('[')).reverse();
    const modules = parts
      .filter((part) => part.includes('=') && !part.startsWith('['))
      .sort((a, b) => target(b).length - target(a).length);
    const others = parts.filter((part) => !part.includes('='));
    return ['_access_log=off', ...modules, ...spans, ...others, ...spans].join(',');
  }

  /** Takes new directives; false when they can't be read, and nothing changes. */
  set(directives: string): boolean {
    const parts = directives.split(',').map((part) => part.trim());
    if (!parts.every((part) => DIRECTIVE.test(part))) return false;
    this.#directives = directives;
    this.#level = levelOf(directives);
    return true;
  }

  enabled(level: ProxyLogLevel): boolean {
    return LEVELS.indexOf(level) <= this.#level;
  }

  /** `where` is the span and module path, e.g. `daemon:identity: linkerd_app`. */
  line(level: ProxyLogLevel, where: string, message: string, thread = 1): void {
    if (!this.enabled(level)) return;
    const at = this.#clock.now();
    const line = { at, level, thread, where, message };
    const text = this.#isJson ? jsonLine(line) : plainLine(line, at - this.#startedAt);
    void this.#write.write(`${text}\n`).catch(() => {});
  }
  info(where: string, message: string, thread = 1): void {
    this.line('info', where, message, thread);
  }
  warn(where: string, message: string, thread = 1): void {
    this.line('warn', where, message, thread);
  }
}

function plainLine({ level, thread, where, message }: LogLine, upMs: number): string {
  const seconds = (upMs / 1000).toFixed(6).padStart(12);
  return `[${seconds}s] ${level.toUpperCase().padStart(5)} ThreadId(0${thread}) ${where}: ${message}`;
}
