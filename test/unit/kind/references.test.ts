import { describe, expect, it } from 'vitest';
import { fullName } from '#cluster/kind/node-images.ts';
import { withoutDigest } from '#cluster/kind/references.ts';
import { together } from '#cluster/kind/together.ts';
import { joinToken } from '#cluster/kind/workers.ts';
import { imagesNamed } from '#server/sessions/lab-needs.ts';

describe('names of images', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.29', 'docker.io/library/nginx:1.29'],
    ['hashicorp/http-echo:1.0', 'docker.io/hashicorp/http-echo:1.0'],
    ['cr.l5d.io/linkerd/proxy:edge-26.8.3', 'cr.l5d.io/linkerd/proxy:edge-26.8.3'],
    ['localhost:5000/a', 'localhost:5000/a:latest'],
  ])('%s is %s in a node', (reference, full) => expect(fullName(reference)).toBe(full));

  it('lose their digest where a file keeps none', () => {
    expect(withoutDigest(`kindest/node:v1.35.8@sha256:${'0'.repeat(64)}`)).toBe('kindest/node:v1.35.8');
    expect(withoutDigest('a/b:1')).toBe('a/b:1');
  });

  it('are found in manifests and scripts', () =>
    expect(imagesNamed('image: nginx:1.29\n- { image: "a/b:2" }\nkubectl run x --image=c:3 # image: none')).toEqual([
      'nginx:1.29',
      'a/b:2',
      'c:3',
    ]));
});

it('a token to join is new each time, and as kubeadm wants it', () => {
  expect(joinToken()).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
  expect(joinToken()).not.toBe(joinToken());
});

describe('work side by side', () => {
  const { signal } = new AbortController();

  it('gives what each gave', async () =>
    expect(await together<[number, string]>(signal, () => [Promise.resolve(1), Promise.resolve('a')])).toEqual([
      1,
      'a',
    ]));

  it('ends when one fails, with what failed first, and only when none is on its way', async () => {
    let ended = false;
    const work = together<[void, void]>(signal, (either) => [
      Promise.reject(new Error('the first')),
      new Promise<void>((_, reject) =>
        either.addEventListener('abort', () => {
          ended = true;
          reject(either.reason);
        }),
      ),
    ]);
    await expect(work).rejects.toThrow('the first');
    expect(ended).toBe(true);
  });
});
