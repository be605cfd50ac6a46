import { describe, expect, it } from 'vitest';
import type { ServerMessage } from '#schema/protocol.ts';
import { cutInput, Offsets } from '#workbench/terminal/offsets.ts';

type Output = Extract<ServerMessage, { type: 'terminal.output' }>;
const output = (offset: number, data: string, reset = false): Output => ({
  type: 'terminal.output',
  terminal: 'shell-1',
  offset,
  data,
  ...(reset ? { reset } : {}),
});

describe('Offsets', () => {
  it('prints what is new, once', () => {
    const offsets = new Offsets();
    expect(offsets.accept(output(0, 'hello ', true))).toEqual({ clear: true, data: 'hello ' });
    expect(offsets.accept(output(6, 'world'))).toEqual({ clear: false, data: 'world' });
    expect(offsets.since()).toEqual({ 'shell-1': 11 });
    expect(offsets.accept(output(6, 'world'))).toEqual({ clear: false, data: '' });
    expect(offsets.accept(output(6, 'world!'))).toEqual({ clear: false, data: '!' });
  });

  it('starts anew on a replay, also where the count begins again', () => {
    const offsets = new Offsets();
    offsets.accept(output(0, 'a long session'));
    expect(offsets.accept(output(0, 'new', true))).toEqual({ clear: true, data: 'new' });
    expect(offsets.since()).toEqual({ 'shell-1': 3 });
  });

  it('forgets a terminal that was closed', () => {
    const offsets = new Offsets();
    offsets.accept(output(0, 'x'));
    offsets.forget('shell-1');
    expect(offsets.since()).toEqual({});
  });
});

describe('cutInput', () => {
  it('cuts at the limit, and never through a character', () => {
    expect(cutInput('abcdef', 4)).toEqual(['abcd', 'ef']);
    expect(cutInput('abc😀d', 4)).toEqual(['abc', '😀d']);
    expect(cutInput('')).toEqual([]);
    const long = '😀'.repeat(50_000);
    const pieces = cutInput(long);
    expect(pieces.join('')).toBe(long);
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(64 * 1024);
  });
});
