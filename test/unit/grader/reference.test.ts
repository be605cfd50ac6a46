import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '#grader/catalogue.ts';
import { parametersOf, referencePage } from '#grader/reference.ts';

const checks = [...CATALOGUE.values()];

describe('the reference of checks', () => {
  it('is what the schemas say; `npx academy list checks --markdown` writes it', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../lessons/CHECKS.md'), 'utf8');
    expect(page).toBe(referencePage(checks));
  });

  it.each(checks.map((check) => [check.name, check] as const))('%s explains each of its parameters', (name, check) => {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(check.summary).toMatch(/\.$/);
    const parameters = parametersOf(check);
    expect(parameters.length).toBeGreaterThan(0);
    expect(parameters.filter(({ description, name }) => description === '' && !name.includes('.'))).toEqual([]);
  });
});
