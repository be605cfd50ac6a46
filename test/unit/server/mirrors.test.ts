import { describe, expect, it } from 'vitest';
import { lab as labSchema } from '#schema/lab.ts';
import type { LoadedLab } from '#server/sessions/lab-source.ts';
import { deployedWith, withMirrors } from '#server/sessions/mirrors.ts';
import { readSettings } from '#server/settings.ts';

const OTHER = 'registry.example.edu/small/busybox:1';

const loaded: LoadedLab = {
  id: 'small',
  definition: labSchema.parse({
    title: 'Small',
    summary: 'Small.',
    level: 'beginner',
    minutes: 5,
    tasks: [{ id: 'made', title: 'Made', check: 'object' }],
  }),
  start: [
    { name: 'world.yaml', content: 'image: busybox:1.37\nother:\n  - image: "nginx:1.29"\n# busybox:1.37 in words\n' },
  ],
  files: {},
  solution: {
    markdown: 'busybox:1.37',
    script: 'kubectl run box --image=busybox:1.37\nkubectl run far --image busybox:1.37-musl\n',
  },
  needs: { images: { needed: ['busybox:1.37', 'nginx:1.29'], useful: [] }, tools: [] },
};

describe('images in place of others', () => {
  it('are named in all that a lab puts into the cluster, and nothing else is changed', () => {
    const lab = withMirrors(loaded, { 'busybox:1.37': OTHER });
    expect(lab.start[0]?.content).toBe(`image: ${OTHER}\nother:\n  - image: "nginx:1.29"\n# busybox:1.37 in words\n`);
    expect(lab.solution.script).toBe(`kubectl run box --image=${OTHER}\nkubectl run far --image busybox:1.37-musl\n`);
    expect(lab.needs.images.needed).toEqual([OTHER, 'nginx:1.29']);
    expect(withMirrors(loaded, {})).toBe(loaded);
  });

  it('run in the Deployments that the academy adds itself', () => {
    const spec = { template: { spec: { containers: [{ name: 'load', image: 'busybox:1.37' }] } } };
    const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'load' }, spec };
    expect(deployedWith({ 'busybox:1.37': OTHER }, object).spec.template.spec.containers[0].image).toBe(OTHER);
    expect(deployedWith(undefined, object)).toEqual(object);
  });

  it('are read from ACADEMY_MIRRORS', () => {
    expect(readSettings({ ACADEMY_MIRRORS: `busybox:1.37=${OTHER}, nginx:1.29=nginx:1` }).mirrors).toEqual({
      'busybox:1.37': OTHER,
      'nginx:1.29': 'nginx:1',
    });
    expect(() => readSettings({ ACADEMY_MIRRORS: 'busybox' })).toThrow('ACADEMY_MIRRORS: busybox is not image=other');
  });
});
