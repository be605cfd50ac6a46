import { describe, expect, it } from 'vitest';
import { kubeconfigOf } from '#server/http/kubeconfig.ts';
import { choiceIn, withChoice } from '#server/sessions/worker/context-choice.ts';

const access = (name: string, token: string) => ({ name, token, api: { url: `https://${name}`, ca: 'ca' } });

describe('what a learner chose in the kubeconfig', () => {
  const before = kubeconfigOf([access('east', 'old'), access('west', 'old')]);
  const after = kubeconfigOf([access('east', 'new'), access('west', 'new')]);

  it('is found again in one with other tokens', () => {
    const chosen = withChoice(before, { current: 'west', namespaces: { west: 'shop', north: 'sea' } });
    expect(choiceIn(chosen)).toEqual({ current: 'west', namespaces: { west: 'shop' } });
    const again = withChoice(after, choiceIn(chosen)!);
    expect(choiceIn(again)).toEqual({ current: 'west', namespaces: { west: 'shop' } });
    expect(again).toContain('token: new');
    expect(again).not.toContain('token: old');
  });

  it('is forgotten when there is no such context, or no kubeconfig', () => {
    expect(choiceIn(withChoice(after, { current: 'north', namespaces: {} }))?.current).toBe('east');
    expect(choiceIn('a: [')).toBeUndefined();
    expect(choiceIn('')).toBeUndefined();
  });
});
