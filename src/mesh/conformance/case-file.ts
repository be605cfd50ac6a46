import * as z from 'zod';
import { AcademyError, messageOf } from '#base/errors.ts';

/** An object of a case: the name of a fixture, words that describe one, or (part of) the object itself. */
export const caseObject = z.union([z.string(), z.record(z.string(), z.unknown())]);

export const conformanceCase = z.object({
  id: z.string().min(1),
  level: z.string().default('e2e'),
  title: z.string().default(''),
  objects: z.array(caseObject).default([]),
  /** The name of a client of the file, or its description. */
  client: z.union([z.string(), z.record(z.string(), z.unknown())]).default('none'),
  request: z.record(z.string(), z.unknown()).nullable().default(null),
  expect: z.object({ outcome: z.string() }).catchall(z.unknown()),
  /** The upstream test that the case was drawn from. */
  source: z
    .union([z.string(), z.object({ path: z.string().default(''), test: z.string().default('') }).loose()])
    .default({ path: '', test: '' }),
  note: z.string().optional(),
});
export type ConformanceCase = z.infer<typeof conformanceCase>;

/** A file of cases (schema version 1), with the fixtures and the clients that they name. */
export const caseFile = z.object({
  schemaVersion: z.literal(1),
  fixtures: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  clients: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  cases: z.array(conformanceCase),
});
export type CaseFile = z.infer<typeof caseFile>;

/** Reads a file of cases. Throws `request/invalid` naming what is wrong with it. */
export function parseCaseFile(text: string): CaseFile {
  try {
    return caseFile.parse(JSON.parse(text));
  } catch (error) {
    const what = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
    throw new AcademyError('request/invalid', `The file of cases cannot be read: ${what}`, { cause: error });
  }
}

/** `e2e_audit::server_audit`: file and function of the test that a case was drawn from. */
export function sourceOf(of: ConformanceCase): string {
  if (typeof of.source === 'string') return of.source.replace(/\.rs::/, '::');
  const file = of.source.path.split('/').at(-1)?.replace(/\.rs$/, '') ?? '';
  return `${file}::${of.source.test}`;
}
