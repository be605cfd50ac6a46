import { InMemoryFs } from 'just-bash';
import { describe, expect, it } from 'vitest';
import { buildKustomization } from '#terminal/kubectl/kustomize/build.ts';

const build = (files: Record<string, string>, folder = '/k') => {
  const all = Object.entries(files).map(([name, text]) => [`/k/${name}`, text] as const);
  return buildKustomization(new InMemoryFs(Object.fromEntries(all)), folder);
};

describe('kustomize', () => {
  it('gives generated names the hash of their content, and lets references follow', async () => {
    const objects = await build({
      'kustomization.yaml':
        'resources: [pod.yaml]\nnamePrefix: dev-\nconfigMapGenerator: [{ name: conf, literals: [a=b, c=1] }]\n',
      'pod.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata: { name: p }\nspec: { containers: [{ name: a, image: b, envFrom: [{ configMapRef: { name: conf } }] }] }\n',
    });
    // The official kustomize 5.7.1 names it so.
    const name = 'dev-conf-t2kmhcfkm7';
    expect(objects[0]).toMatchObject({ kind: 'ConfigMap', metadata: { name } });
    expect(objects[1]?.['spec'].containers[0].envFrom[0].configMapRef.name).toBe(name);
  });

  it('merges what a layer adds to a generated ConfigMap', async () => {
    const objects = await build(
      {
        'base/kustomization.yaml': 'configMapGenerator: [{ name: conf, literals: [a=1, b=2] }]\n',
        'over/kustomization.yaml':
          'resources: [../base]\nconfigMapGenerator: [{ name: conf, behavior: merge, literals: [b=3] }]\n',
      },
      '/k/over',
    );
    expect(objects.map((each) => each['data'])).toEqual([{ a: '1', b: '3' }]);
  });

  it('deletes what a patch deletes', async () => {
    const objects = await build({
      'kustomization.yaml':
        'resources: [two.yaml]\npatches: [{ patch: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, $patch: delete}" }]\n',
      'two.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: b }\n',
    });
    expect(objects.map(({ metadata }) => metadata.name)).toEqual(['b']);
  });

  it.each([
    ['helmCharts: [{ name: x }]\n', /"helmCharts" .* is not available/],
    ['resources: [https://example.org/x.yaml]\n', /no way out to other hosts/],
    ['resources: [.]\n', /cycle detected/],
    ['patches: [{ patch: "{apiVersion: v1, kind: Pod, metadata: {name: no}}" }]\n', /no matches for Id/],
  ])('refuses %j', async (text, why) => {
    await expect(build({ 'kustomization.yaml': text })).rejects.toThrow(why);
  });
});
