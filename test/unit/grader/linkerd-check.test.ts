import { describe, expect, it } from 'vitest';
import { CATEGORIES } from '#grader/checks/linkerd-check.ts';
import { categoriesFor } from '#mesh/check/categories.ts';
import { FakeWorld } from './world.ts';

/** Without a control plane most of `linkerd check` has something to say. */
describe('linkerd-check', () => {
  it('fails with the line that fails', async () => {
    const world = new FakeWorld();
    const outcome = await world.look('linkerd-check', { categories: ['linkerd-existence'] });
    expect(outcome.state).toBe('failed');
    expect(outcome.said).toMatch(/^× /);
    expect(outcome.evidence[0]).toMatchObject({ type: 'checks' });
    expect(outcome.saw!.length).toBeGreaterThan(0);
  });
  it('knows every category that asks nothing outside the cluster', () => {
    const all = [...categoriesFor({}), ...categoriesFor({ proxy: true }), ...categoriesFor({ crds: true })];
    const names = new Set(all.map(({ name }) => name).filter((name) => name !== 'linkerd-version'));
    expect([...names].sort()).toEqual([...CATEGORIES].sort());
  });
  it('knows only categories that there are', () => {
    expect(() => new FakeWorld().look('linkerd-check', { categories: ['linkerd-exists'] })).toThrow(
      /linkerd-existence/,
    );
  });
});
