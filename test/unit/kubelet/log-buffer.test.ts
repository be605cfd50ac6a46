import { describe, expect, it } from 'vitest';
import { LogBuffer } from '#kube/kubelet/log-buffer.ts';

const textOf = (lines: { text: string }[]) => lines.map(({ text }) => text);

describe('the log of a container', () => {
  it('keeps the newest lines within its limit, and their numbers', () => {
    const log = new LogBuffer();
    const line = (n: number) => `${n}:`.padEnd(1023, 'x');
    const kept = LogBuffer.LIMIT_BYTES / 1024;
    const all = 3 * kept;
    for (let n = 0; n < all; n++) {
      log.append(`${line(n)}\n`, n);
      expect(log.next).toBe(n + 1);
      if (n >= kept) expect(log.from(0)).toHaveLength(kept);
    }
    expect(textOf(log.from(0))).toEqual(Array.from({ length: kept }, (_, at) => line(all - kept + at)));
    expect(log.from(all - 2)).toEqual([
      { at: all - 2, text: line(all - 2) },
      { at: all - 1, text: line(all - 1) },
    ]);
    expect(log.from(all)).toEqual([]);
  });

  it('keeps a line that is longer than its limit, alone', () => {
    const log = new LogBuffer();
    log.append('short\n', 1);
    log.append(`${'y'.repeat(LogBuffer.LIMIT_BYTES)}\n`, 2);
    expect(log.from(0)).toHaveLength(1);
    log.append('after\n', 3);
    expect(textOf(log.from(0))).toEqual(['after']);
  });
});
