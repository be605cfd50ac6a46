import { z } from 'zod';
import { asPath, type Mistake } from './mistakes.ts';
import { didYouMean, nearest } from './nearest.ts';
import type { YamlSource } from './yaml-source.ts';

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/**
 * Everything in the data at `at` that does not fit the schema, each with its line and in plain words. `at` is a path
 * into the source, for schemas that describe a part of it.
 */
export function shapeMistakes(schema: z.ZodType, source: YamlSource, at: Path = []): Mistake[] {
  const value = valueAt(source.value, at);
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  const issues = parsed.error.issues.flatMap((issue) => innermost(issue, value));
  const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  // A misspelt key is one mistake, not two: what it was meant to be is not also reported as missing.
  const meant = new Set(
    issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => asPath([...issue.path, nearest(key, keysAt(shape, issue.path)) ?? '']))
        : [],
    ),
  );
  return issues.flatMap((issue) => {
    const path = [...at, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(shape, issue.path);
      return issue.keys.map((key) => source.mistake([...path, key], asPath([...path, key]), unknownKey(key, known)));
    }
    const found = valueAt(value, issue.path);
    if (found === undefined && meant.has(asPath(issue.path))) return [];
    return [source.mistake(path, asPath(path), inWords(issue, found))];
  });
}

function unknownKey(key: string, known: string[]): string {
  const suggestion = didYouMean(key, known);
  return `there is no such key.${suggestion || (known.length > 0 ? ` Known here: ${known.join(', ')}.` : '')}`;
}

/** The issues of the alternative that was most likely meant: the one whose mistakes lie deepest. */
function innermost(issue: Issue, value: unknown): Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  const isContainer = (v: unknown) => typeof v === 'object' && v !== null;
  const found = valueAt(value, issue.path);
  const depth = (issues: Issue[]) => Math.max(...issues.map((i) => i.path.length));
  const branches = issue.errors as Issue[][];
  const deepest = branches.reduce((a, b) => (depth(b) > depth(a) ? b : a));
  if (!isContainer(found) || depth(deepest) === 0) return [{ ...issue, message: alternatives(branches) } as Issue];
  return deepest.flatMap((inner) => innermost({ ...inner, path: [...issue.path, ...inner.path] } as Issue, value));
}

const alternatives = (branches: Issue[][]) => {
  const words = branches.map(([first]) => (first ? expectation(first) : '')).filter(Boolean);
  return `expected ${[...new Set(words)].join(' or ')}.`;
};

const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
};

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_type') return KINDS[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_value') return issue.values.map(String).join(', ');
  return issue.message;
}

function inWords(issue: Issue, found: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      if (found === undefined) return `is missing; expected ${expectation(issue)}.`;
      return `expected ${expectation(issue)}, found ${show(found)}.`;
    case 'invalid_value': {
      if (found === undefined) return `is missing; expected one of ${expectation(issue)}.`;
      const suggestion = typeof found === 'string' ? didYouMean(found, issue.values.map(String)) : '';
      return `${show(found)} is none of ${expectation(issue)}.${suggestion}`;
    }
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty.';
      if (issue.origin === 'array') return `needs at least ${issue.minimum}.`;
      return `${show(found)} is too small: at least ${issue.minimum}.`;
    case 'too_big':
      if (issue.origin === 'string')
        return `is too long: ${String(found).length} characters, at most ${issue.maximum}.`;
      if (issue.origin === 'array') return `has too many entries: at most ${issue.maximum}.`;
      return `${show(found)} is too large: at most ${issue.maximum}.`;
    case 'invalid_format':
      return `${show(found)} does not fit: ${/^Invalid/.test(issue.message) ? `expected ${issue.format}` : issue.message}.`;
    default:
      return found === undefined ? `is missing; ${issue.message}` : issue.message;
  }
}

const show = (value: unknown): string =>
  Array.isArray(value)
    ? 'a list'
    : typeof value === 'object' && value !== null
      ? 'a map of keys'
      : JSON.stringify(value);

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key], value);
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
}

/** The keys that a schema knows at a path. */
function keysAt(schema: JsonSchema, path: Path): string[] {
  const steps = (at: JsonSchema, key: PropertyKey): JsonSchema[] =>
    [
      typeof key === 'number' ? at.items : at.properties?.[String(key)],
      ...(at.anyOf ?? []).flatMap((branch) => steps(branch, key)),
    ].filter((next) => next !== undefined);
  const ends = path.reduce<JsonSchema[]>((all, key) => all.flatMap((at) => steps(at, key)), [schema]);
  const keys = (at: JsonSchema): string[] => [...Object.keys(at.properties ?? {}), ...(at.anyOf ?? []).flatMap(keys)];
  return ends.flatMap(keys);
}
