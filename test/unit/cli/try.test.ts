import { describe, expect, it } from 'vitest';
import type { TaskView } from '#schema/protocol.ts';
import { panelLines } from '../../../src/cli/try/panel.ts';
import { frame, PromptLine } from '../../../src/cli/try/screen.ts';

const task: TaskView = {
  id: 'one-caller',
  title: 'Only web may ask',
  points: 2,
  mode: 'once',
  needs: [],
  hintsTotal: 0,
  hintsShown: [],
  verdict: {
    task: 'one-caller',
    state: 'failed',
    said: 'Too much: 1 request not denied.',
    at: 0,
    points: 0,
    evidence: [{ type: 'object', at: 0, what: 'requests', value: 'one\ntwo' }],
  },
};

describe('the author’s panel', () => {
  const state = {
    title: 'a-lab: A lab',
    steps: [
      { step: 'lab', title: 'Setting up the lab', state: 'done' as const, at: 0 },
      { step: 'workloads', title: 'Waiting for the lab’s workloads', state: 'started' as const, at: 0 },
    ],
    tasks: [task],
    looks: new Map([['one-caller', { looks: 3, tookMs: 12.4, saw: ['too-much'] }]]),
    now: 0,
  };
  it('shows each task with what was said, what hints can depend on, its evidence and the probe’s time', () => {
    expect(panelLines(state, 100)).toEqual([
      'a-lab: A lab',
      '  … Waiting for the lab’s workloads',
      '',
      '✕ one-caller  failed, 2 points, once, looked 3×, the last took 12 ms',
      '    Too much: 1 request not denied.',
      '    saw: too-much',
      '    · requests: one',
    ]);
  });
  it('fits the terminal', () => {
    for (const line of panelLines(state, 20)) expect(line.length).toBeLessThanOrEqual(20);
  });
});

describe('the prompt line', () => {
  it('takes keys, and leaves out what it does not know', () => {
    const prompt = new PromptLine();
    const keys = [...prompt.take('gex\x7ft\x1b[A pods\rhal')];
    expect(keys).toEqual([{ line: 'get pods' }]);
    expect(prompt.text).toBe('hal');
    expect([...prompt.take('\x04')]).toEqual([]);
    expect([...prompt.take('\x15\x04')]).toEqual([{ end: true }]);
    expect([...prompt.take('\x03')]).toEqual([{ end: true }]);
  });
  it('is always on the screen', () => {
    const drawn = frame(['a', 'b', 'c', 'd'], ['x', 'y'], '$ ls', 4).split('\r\n');
    expect(drawn).toHaveLength(4);
    expect(drawn.at(-1)).toBe('$ ls');
    expect(frame(['a'], ['x', 'y', 'z'], '$ ', 5)).toBe('\x1b[H\x1b[2Ja\r\n\r\ny\r\nz\r\n$ ');
  });
});
