import { describe, expect, it } from 'vitest';
import { nameProblem } from '#workbench/editor/name-dialog.ts';
import { yamlMistakes } from '#workbench/editor/yaml-mistakes.ts';

describe('yamlMistakes', () => {
  it('finds nothing wrong in what is right', () => {
    expect(yamlMistakes('apiVersion: v1\nkind: Service\n---\n# nothing\n')).toEqual([]);
    expect(yamlMistakes('{"apiVersion": "v1", "kind": "Pod"}')).toEqual([]);
  });

  it('points at the mistake', () => {
    const text = 'kind: Server\napiVersion: v1\nspec:\n  port: [http\n';
    const [mistake] = yamlMistakes(text);
    expect(mistake).toMatchObject({ severity: 'error' });
    expect(mistake!.from).toBeGreaterThanOrEqual(text.indexOf('[http'));
  });

  it('says what a resource lacks', () => {
    expect(yamlMistakes('kind: Server\nmetadata: {}\n')).toMatchObject([
      { severity: 'warning', from: 0, message: 'A Kubernetes resource needs apiVersion as well.' },
    ]);
  });
});

describe('nameProblem', () => {
  it.each(['policy.yaml', 'a/b_c-1.yaml', '.bashrc'])('takes %s', (name) => {
    expect(nameProblem(name, new Set())).toBeUndefined();
  });
  it.each(['', '../x', 'a/../b', '/etc/passwd', 'a b', 'a//b', '.', 'x'.repeat(201)])('refuses "%s"', (name) => {
    expect(nameProblem(name, new Set())).toBeDefined();
  });
  it('refuses a name that is taken', () => {
    expect(nameProblem('a.yaml', new Set(['a.yaml']))).toBe('a.yaml is there already.');
  });
});
