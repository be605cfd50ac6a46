import { describe, expect, it } from 'vitest';
import { offersAt } from '#workbench/editor/completions.ts';
import type { ResourceSchemas } from '#workbench/editor/resource-schemas.ts';
import { yamlMistakes } from '#workbench/editor/yaml-mistakes.ts';
import { placeAt } from '#workbench/editor/yaml-place.ts';
import { GET } from '../../../src/site/pages/schemas.json.ts';

const schemas = (await (await GET()).json()) as ResourceSchemas;

/** The place of the `|` in a text. */
function at(text: string) {
  const lines = text.split('\n');
  const line = lines.findIndex((candidate) => candidate.includes('|'));
  const column = lines[line]!.indexOf('|');
  lines[line] = lines[line]!.replace('|', '');
  return placeAt(lines, line, column);
}
const offered = (text: string) => offersAt(at(text)!, schemas).map(({ label }) => label);

const ROUTE = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: read-orders, namespace: shop }
spec:
  parentRefs:
    - group: policy.linkerd.io
      kind: Server
      name: api-http
  rules:
    - matches:
        - method: GET
          path: { type: Exact, value: /orders }
`;

describe('the place in a resource', () => {
  it('is told by indentation, through maps and lists', () => {
    expect(at('kind: Server\nspec:\n  podSelector:\n    |')).toMatchObject({
      kind: 'Server',
      path: ['spec', 'podSelector'],
    });
    expect(at(ROUTE.replace('name: api-http', 'na|'))).toMatchObject({
      path: ['spec', 'parentRefs', '[]'],
      siblings: ['kind', 'group'],
      typed: 'na',
    });
    expect(at(ROUTE.replace('method: GET', 'method: G|'))).toMatchObject({
      path: ['spec', 'rules', '[]', 'matches', '[]'],
      key: 'method',
      typed: 'G',
    });
    expect(at(ROUTE.replace('- matches', '- |matches'))?.path).toEqual(['spec', 'rules', '[]']);
  });

  it('knows lists whose dashes stand under their key', () => {
    expect(at('spec:\n  identityRefs:\n  - kind: ServiceAccount\n    |')?.path).toEqual(['spec', 'identityRefs', '[]']);
    expect(at('spec:\n  identityRefs:\n  - |')?.path).toEqual(['spec', 'identityRefs', '[]']);
  });

  it('stays in its document', () => {
    const place = at(`${ROUTE}---\nkind: Server\nspec:\n  |\n---\nkind: Other\n`);
    expect(place).toMatchObject({ kind: 'Server', apiVersion: undefined, path: ['spec'] });
  });

  it('is nowhere in the middle of a text', () => {
    expect(at('# a comment |')).toBeUndefined();
    expect(at('key: two words |')).toBeUndefined();
  });
});

describe('offers', () => {
  it('are the fields that are not there yet', () => {
    expect(offered('apiVersion: policy.linkerd.io/v1beta3\nkind: Server\nspec:\n  port: http\n  |')).toEqual(
      expect.arrayContaining(['podSelector', 'proxyProtocol']),
    );
    expect(offered('apiVersion: policy.linkerd.io/v1beta3\nkind: Server\nspec:\n  port: http\n  |')).not.toContain(
      'port',
    );
  });

  it('are the values that a field allows', () => {
    expect(offered(ROUTE.replace('method: GET', 'method: |'))).toEqual(expect.arrayContaining(['GET', 'POST']));
    expect(offered('kind: |')).toContain('AuthorizationPolicy');
  });

  it('are whole resources at the start of a document', () => {
    expect(offered('|')).toContain('MeshTLSAuthentication');
    expect(offered('kind: Server\n|')).not.toContain('MeshTLSAuthentication');
  });
});

describe('mistakes against the schema', () => {
  const saying = (text: string) => yamlMistakes(text, schemas).map(({ message }) => message);

  it('finds none in what the API server takes', () => {
    expect(saying(ROUTE)).toEqual([]);
  });

  it('names the field that does not exist, and those that do', () => {
    const [message] = saying(ROUTE.replace('parentRefs', 'parentRef'));
    expect(message).toMatch(/^spec has no field parentRef\. It has .*parentRefs/);
  });

  it('names what is missing, and values that are not allowed', () => {
    expect(
      saying(
        'apiVersion: policy.linkerd.io/v1alpha1\nkind: AuthorizationPolicy\nmetadata: { name: x }\nspec:\n  targetRef: { kind: Server, name: a }\n',
      ),
    ).toContain('spec needs the field requiredAuthenticationRefs.');
    expect(saying(ROUTE.replace('method: GET', 'method: FETCH')).join()).toContain('method is GET or');
    expect(saying(ROUTE.replace('    - group', '    group').replace(/\n {6}(kind|name)/g, '\n    $1'))).toContain(
      'parentRefs is a list, not a map.',
    );
  });

  it('points at the word that is wrong', () => {
    const text = ROUTE.replace('parentRefs', 'parentRef');
    const [mistake] = yamlMistakes(text, schemas);
    expect(text.slice(mistake!.from, mistake!.to)).toBe('parentRef');
  });
});
