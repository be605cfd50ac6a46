import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Store } from '#server/store/store.ts';

const dirs: string[] = [];
const folder = () => {
  const dir = mkdtempSync(join(tmpdir(), 'academy-store-'));
  dirs.push(dir);
  return dir;
};
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

const bytes = (text: string) => new TextEncoder().encode(text);

describe('Store', () => {
  it('keeps files, history, progress and the session when opened again without having been closed', () => {
    const dir = folder();
    const first = new Store(dir);
    first.addLearner('ada', 1);
    first.putSession({ learner: 'ada', lab: 'one', driver: 'embedded', createdAt: 10, endsAt: 20 });
    first.saveFile('ada', 'one', 'policy.yaml', bytes('kind: Server'));
    first.addHistory('ada', 'one', 'kubectl get pods');
    first.addPassed('ada', 'one', 'task-a', 3, 'seen', 15);
    first.saveSnapshot('ada', 'one', bytes('state'), 16);
    first.saveHints('ada', 'one', { 'task-a': ['look closer'] });

    const second = new Store(dir);
    expect(Buffer.from(second.files('ada', 'one')['policy.yaml']!).toString()).toBe('kind: Server');
    expect(second.history('ada', 'one')).toEqual(['kubectl get pods']);
    expect(second.progress('ada')).toEqual([{ lab: 'one', task: 'task-a', points: 3, passedAt: 15 }]);
    expect(second.session('ada', 'one')).toMatchObject({ state: 'live', hints: { 'task-a': ['look closer'] } });
    expect(Buffer.from(second.session('ada', 'one')!.snapshot!).toString()).toBe('state');
    second.close();
    first.close();
  });

  it('keeps learners apart', () => {
    const store = new Store(':memory:');
    store.saveFile('ada', 'one', 'a', bytes('1'));
    store.addHistory('ada', 'one', 'ls');
    expect(store.files('eve', 'one')).toEqual({});
    expect(store.history('eve', 'one')).toEqual([]);
  });

  it('forgets the snapshot of a session that was ended or begun anew, and keeps its files', () => {
    const store = new Store(':memory:');
    store.addLearner('ada', 1);
    const session = { learner: 'ada', lab: 'one', driver: 'embedded' as const, createdAt: 1, endsAt: 2 };
    store.putSession(session);
    store.saveFile('ada', 'one', 'a', bytes('1'));
    store.saveSnapshot('ada', 'one', bytes('s'), 3);
    store.putSession({ ...session, createdAt: 5 });
    expect(store.session('ada', 'one')?.snapshot).toBeUndefined();
    store.saveSnapshot('ada', 'one', bytes('s'), 6);
    store.endSession('ada', 'one');
    expect(store.session('ada', 'one')).toMatchObject({ state: 'ended', snapshot: undefined });
    expect(Object.keys(store.files('ada', 'one'))).toEqual(['a']);
  });

  it('keeps the newest thousand lines of history', () => {
    const store = new Store(':memory:');
    for (let i = 0; i < 1_010; i++) store.addHistory('ada', 'one', `echo ${i}`);
    const lines = store.history('ada', 'one');
    expect(lines).toHaveLength(1_000);
    expect([lines[0], lines.at(-1)]).toEqual(['echo 10', 'echo 1009']);
  });

  it('does not count a task twice', () => {
    const store = new Store(':memory:');
    store.addPassed('ada', 'one', 't', 3, 'first', 1);
    store.addPassed('ada', 'one', 't', 3, 'again', 2);
    expect(store.progress('ada')).toEqual([{ lab: 'one', task: 't', points: 3, passedAt: 1 }]);
  });
});
