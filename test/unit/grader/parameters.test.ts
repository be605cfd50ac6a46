import { describe, expect, it } from 'vitest';
import { readParameters } from '#grader/parameters.ts';
import { lab as labSchema } from '#schema/lab.ts';

const labWith = (check: string, parameters: Record<string, unknown>) =>
  labSchema.parse({
    title: 'A lab',
    summary: 'A lab with one task.',
    level: 'beginner',
    minutes: 5,
    drivers: 'any',
    cluster: { mesh: 'none' },
    tasks: [{ id: 'a-task', title: 'A task', points: 1, check, with: parameters }],
  });

describe('the parameters of a lab’s checks', () => {
  it('are filled in where the lab leaves them out', () => {
    const { tasks } = readParameters(labWith('pods-ready', { namespace: 'shop', deployment: 'api' }));
    expect(tasks[0]!.with).toEqual({ namespace: 'shop', deployment: 'api', atLeast: 1 });
  });

  it('are refused when the check does not know them', () => {
    const lab = labWith('pods-ready', { namespace: 'shop', deployment: 'api', colour: 'red' });
    expect(() => readParameters(lab)).toThrow(expect.objectContaining({ code: 'lab/invalid' }));
  });

  it('are left alone when the catalogue has no such check', () => {
    expect(readParameters(labWith('no-such-check', { any: 1 })).tasks[0]!.with).toEqual({ any: 1 });
  });
});
