import { describe, expect, it } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import { FileSync } from '#workbench/editor/file-sync.ts';

interface Write {
  path: string;
  content: string;
  baseVersion: number | undefined;
}

function setUp() {
  const clock = new MovableClock({ startAtMs: 0, wall: () => 0 });
  const writes: Write[] = [];
  const texts: string[] = [];
  const removed: string[] = [];
  let online = true;
  const sync = new FileSync({
    clock,
    write: (path, content, baseVersion) => {
      if (online) writes.push({ path, content, baseVersion });
      return online;
    },
    onText: (_path, text) => texts.push(text),
    onState: () => {},
    onRemoved: (path) => removed.push(path),
  });
  sync.open({ path: 'a.yaml', content: 'one', version: 1 });
  return { clock, sync, writes, texts, removed, setOnline: (on: boolean) => (online = on) };
}

describe('FileSync', () => {
  it('saves a moment after the last key, with the version it began from', async () => {
    const { clock, sync, writes } = setUp();
    sync.edited('a.yaml', 'one t');
    await clock.advance(200);
    sync.edited('a.yaml', 'one two');
    await clock.advance(200);
    expect(writes).toEqual([]);
    expect(sync.stateOf('a.yaml')).toBe('unsaved');
    await clock.advance(200);
    expect(writes).toEqual([{ path: 'a.yaml', content: 'one two', baseVersion: 1 }]);
    expect(sync.stateOf('a.yaml')).toBe('saving');
    sync.remote('a.yaml', 'one two', 2);
    expect(sync.stateOf('a.yaml')).toBe('saved');
  });

  it('saves what was typed while a save was on its way', async () => {
    const { clock, sync, writes } = setUp();
    sync.edited('a.yaml', 'x');
    await clock.advance(400);
    sync.edited('a.yaml', 'xy');
    await clock.advance(400);
    expect(writes).toHaveLength(1);
    sync.remote('a.yaml', 'x', 2);
    expect(writes[1]).toEqual({ path: 'a.yaml', content: 'xy', baseVersion: 2 });
  });

  it('takes a change from the shell when nothing of ours is open', () => {
    const { sync, texts } = setUp();
    sync.remote('a.yaml', 'from the shell', 2);
    expect(texts).toEqual(['from the shell']);
    expect(sync.stateOf('a.yaml')).toBe('saved');
  });

  it('keeps both when both changed, until one is chosen', async () => {
    const { clock, sync, writes, texts } = setUp();
    sync.edited('a.yaml', 'mine');
    sync.remote('a.yaml', 'theirs', 2);
    await clock.advance(5_000);
    expect(writes).toEqual([]);
    expect(sync.stateOf('a.yaml')).toBe('conflict');
    expect(sync.textOf('a.yaml')).toBe('mine');
    expect(sync.conflictOf('a.yaml')?.content).toBe('theirs');
    sync.keepMine('a.yaml');
    expect(writes).toEqual([{ path: 'a.yaml', content: 'mine', baseVersion: 2 }]);
    sync.remote('a.yaml', 'mine', 3);
    expect(sync.stateOf('a.yaml')).toBe('saved');

    sync.edited('a.yaml', 'mine again');
    sync.remote('a.yaml', 'theirs again', 4);
    sync.takeTheirs('a.yaml');
    expect(texts.at(-1)).toBe('theirs again');
    expect(sync.stateOf('a.yaml')).toBe('saved');
  });

  it('tells a conflict also when ours was on its way already', async () => {
    const { clock, sync } = setUp();
    sync.edited('a.yaml', 'mine');
    await clock.advance(400);
    sync.remote('a.yaml', 'theirs', 2);
    expect(sync.stateOf('a.yaml')).toBe('conflict');
  });

  it('sees no conflict where both wrote the same', () => {
    const { sync } = setUp();
    sync.edited('a.yaml', 'same');
    sync.remote('a.yaml', 'same', 2);
    expect(sync.stateOf('a.yaml')).toBe('saved');
  });

  it('sends again after a break what may not have arrived', async () => {
    const { clock, sync, writes, setOnline } = setUp();
    setOnline(false);
    sync.edited('a.yaml', 'mine');
    await clock.advance(400);
    expect(sync.stateOf('a.yaml')).toBe('unsaved');
    setOnline(true);
    sync.reconnected(new Map([['a.yaml', { path: 'a.yaml', content: 'one', version: 1 }]]));
    expect(writes).toEqual([{ path: 'a.yaml', content: 'mine', baseVersion: 1 }]);
    // The write arrived, but the line broke before the echo.
    sync.reconnected(new Map([['a.yaml', { path: 'a.yaml', content: 'mine', version: 2 }]]));
    expect(writes).toHaveLength(1);
    expect(sync.stateOf('a.yaml')).toBe('saved');
  });

  it('lets a removed file go, unless something of ours is in it', () => {
    const clean = setUp();
    clean.sync.remote('a.yaml', null, 2);
    expect(clean.removed).toEqual(['a.yaml']);
    const dirty = setUp();
    dirty.sync.edited('a.yaml', 'mine');
    dirty.sync.remote('a.yaml', null, 2);
    expect(dirty.removed).toEqual([]);
    expect(dirty.sync.stateOf('a.yaml')).toBe('conflict');
    dirty.sync.keepMine('a.yaml');
    expect(dirty.writes).toEqual([{ path: 'a.yaml', content: 'mine', baseVersion: undefined }]);
  });
});
