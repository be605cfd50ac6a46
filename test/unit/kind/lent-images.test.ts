import { describe, expect, it } from 'vitest';
import { lends, repositoryOf } from '#cluster/kind/references.ts';

describe('images of the Engine that a learner’s pods may run', () => {
  it.each([
    ['docker.io/library/nginx:1.29', 'nginx'],
    ['nginx', 'nginx'],
    ['ghcr.io/a/b:v1', 'ghcr.io/a/b'],
    ['registry.local:5000/a/b', 'registry.local:5000/a/b'],
    [`kindest/node:v1.35.8@sha256:${'0'.repeat(64)}`, 'kindest/node'],
  ])('%s is of %s', (reference, repository) => expect(repositoryOf(reference)).toBe(repository));

  it('are those that are lent and those of the lab, at any tag', () => {
    const may = lends(['nginx'], ['ghcr.io/shop/web:v1']);
    expect(['nginx:1.27', 'docker.io/library/nginx', 'ghcr.io/shop/web:v2'].map(may)).toEqual([true, true, true]);
    expect(['ghcr.io/shop/billing:v1', 'evil/nginx', 'localhost:5000/nginx'].map(may)).toEqual([false, false, false]);
  });
  it('are all of them to whoever owns the Engine', () => expect(lends(undefined, [])('private/thing:1')).toBe(true));
});
