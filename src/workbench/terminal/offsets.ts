import type { ServerMessage } from '#schema/protocol.ts';

type Output = Extract<ServerMessage, { type: 'terminal.output' }>;

/** What to do with one piece of output: perhaps clear the screen, then print. */
export interface Print {
  clear: boolean;
  data: string;
}

/**
 * How far each terminal's output has come to this page, in UTF-16 units since its first character, so that a line that
 * breaks neither loses nor doubles anything.
 */
export class Offsets {
  readonly #at = new Map<string, number>();

  /** For the first message of a connection. */
  since(): Record<string, number> {
    return Object.fromEntries(this.#at);
  }

  accept(output: Output): Print {
    const have = this.#at.get(output.terminal) ?? 0;
    const end = output.offset + output.data.length;
    if (output.reset) {
      this.#at.set(output.terminal, end);
      return { clear: true, data: output.data };
    }
    if (end <= have) return { clear: false, data: '' };
    this.#at.set(output.terminal, end);
    return { clear: false, data: output.offset < have ? output.data.slice(have - output.offset) : output.data };
  }

  forget(terminal: string): void {
    this.#at.delete(terminal);
  }

  forgetAll(): void {
    this.#at.clear();
  }
}

/** Longest input a terminal takes in one message, UTF-16 units. */
const LONGEST_INPUT = 64 * 1024;

/** Cuts a paste into pieces that the server takes, never through the middle of a character. */
export function cutInput(data: string, longest = LONGEST_INPUT): string[] {
  const pieces: string[] = [];
  let from = 0;
  while (from < data.length) {
    let to = Math.min(from + longest, data.length);
    const last = data.charCodeAt(to - 1);
    if (to < data.length && last >= 0xd800 && last <= 0xdbff) to--;
    pieces.push(data.slice(from, to));
    from = to;
  }
  return pieces;
}
