import { describe, expect, it } from 'vitest';
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
  it('knows only categories that there are', () => {
    expect(() => new FakeWorld().look('linkerd-check', { categories: ['linkerd-exists'] })).toThrow(
      /linkerd-existence/,
    );
  });
});
