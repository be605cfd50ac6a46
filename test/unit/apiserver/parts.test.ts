import { describe, expect, it } from 'vitest';
import { parseLabelSelector } from '#kube/api/selectors.ts';
import { folded } from '#kube/apiserver/folded.ts';
import { internalPodSpec } from '#kube/apiserver/validation/internal-form.ts';

describe('a folded value', () => {
  it('is equal to what it was, with equal parts once', () => {
    const schema = () => ({
      type: 'object',
      properties: { name: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' } },
    });
    const value = {
      versions: [
        { name: 'v1', schema: schema() },
        { name: 'v2', schema: schema() },
      ],
    };
    const copy = folded(value);
    expect(copy).toEqual(value);
    expect(copy.versions[0]!.schema).toBe(copy.versions[1]!.schema);
  });
});

describe('a label selector', () => {
  it.each([
    ['app=web,tier!=back', { app: 'web' }, true],
    ['env in (a, b),!legacy', { env: 'b' }, true],
    ['env notin (a)', {}, true],
    ['size>3', { size: '4' }, true],
    ['size<3', { size: '4' }, false],
    ['app', {}, false],
    ['app=', { app: '' }, true],
  ])('%s', (text, labels, matches) => {
    expect(parseLabelSelector(text)(labels as Record<string, string>)).toBe(matches);
  });

  it.each([
    ['app in one', "unable to parse requirement: found 'one' expected: '('"],
    ['env exists', "unable to parse requirement: found 'exists', expected: in, notin, =, ==, !=, gt, lt"],
    ['=x', "found '=', expected: !, identifier, or 'end of string'"],
    ['a=x,,y', "found ',', expected: identifier after ','"],
  ])('refuses %s as the API server does', (text, why) => {
    expect(() => parseLabelSelector(text)).toThrow(why);
  });
});

describe("a pod's specification in the server's own form", () => {
  it('shows every field, in its order', () => {
    const lines = internalPodSpec({
      containers: [{ name: 'a', image: 'busybox' }],
      nodeName: 'one',
      hostNetwork: true,
    }).split('\n');
    expect(lines.slice(0, 6)).toEqual([
      '{',
      ' "Volumes": null,',
      ' "InitContainers": null,',
      ' "Containers": [',
      '  {',
      '   "Name": "a",',
    ]);
    expect(lines).toContain('  "HostNetwork": true,');
    expect(lines).toContain(' "NodeName": "one",');
  });
});
