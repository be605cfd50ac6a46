import { describe, expect, it } from 'vitest';
import { Scrollback } from '#server/sessions/scrollback.ts';

describe('Scrollback', () => {
  it('gives a reader what it has not seen', () => {
    const scrollback = new Scrollback();
    scrollback.append('hello ');
    expect(scrollback.append('world')).toBe(6);
    expect(scrollback.since(6)).toEqual({ offset: 6, data: 'world', reset: false });
    expect(scrollback.since(11)).toEqual({ offset: 11, data: '', reset: false });
  });

  it('starts a reader anew whose place is gone or never was', () => {
    const scrollback = new Scrollback(10);
    scrollback.append('0123456789');
    scrollback.append('abcdefgh');
    expect(scrollback.since(2)).toEqual({ offset: 10, data: 'abcdefgh', reset: true });
    expect(scrollback.since(999)).toMatchObject({ offset: 10, reset: true });
  });

  it('starts a reader of an earlier life anew', () => {
    const scrollback = new Scrollback(undefined, 1_000);
    expect(scrollback.append('hello')).toBe(1_000);
    expect(scrollback.since(500)).toEqual({ offset: 1_000, data: 'hello', reset: true });
    expect(scrollback.since(1_003)).toEqual({ offset: 1_003, data: 'lo', reset: false });
  });

  it('keeps one chunk that is larger than the limit', () => {
    const scrollback = new Scrollback(4);
    scrollback.append('abcdefgh');
    expect(scrollback.since(0).data).toBe('abcdefgh');
  });
});
