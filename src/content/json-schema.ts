import { z } from 'zod';
import { lab } from '#schema/lab.ts';
import { course, lesson } from '#schema/lesson.ts';
import type { KnownCheck } from './check-lab.ts';

type Json = Record<string, unknown>;

/** A schema file: its place under the project's top folder, and its text. */
export interface SchemaFile {
  file: string;
  text: string;
}

/**
 * The JSON Schemas by which any editor completes and explains what an author writes. The parameters of a task follow
 * from its check.
 */
export function schemaFiles(checks: ReadonlyMap<string, KnownCheck & { summary: string }>): SchemaFile[] {
  return [
    asFile('labs/lab.schema.json', 'lab.yaml', withChecks(jsonSchema(lab), checks)),
    asFile('lessons/course.schema.json', 'course.yaml', jsonSchema(course)),
    asFile('lessons/lesson.schema.json', 'front matter of index.mdx', jsonSchema(lesson)),
  ];
}

function withChecks(schema: Json, checks: ReadonlyMap<string, KnownCheck & { summary: string }>): Json {
  const { tasks } = schema['properties'] as { tasks: { items: Json } };
  const properties = tasks.items['properties'] as Record<string, Json>;
  const all = [...checks.values()].sort((a, b) => a.name.localeCompare(b.name));
  properties['check'] = {
    description: properties['check']!['description'],
    oneOf: all.map(({ name, summary }) => ({ const: name, description: summary })),
  };
  tasks.items['allOf'] = all.map(({ name, params }) =>
    Object.fromEntries([
      ['if', { properties: { check: { const: name } }, required: ['check'] }],
      ['then', { properties: { with: jsonSchema(params) } }],
    ]),
  );
  return schema;
}

function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
  }) as Json;
  return rest;
}

function asFile(file: string, title: string, schema: Json): SchemaFile {
  const whole = { $schema: 'http://json-schema.org/draft-07/schema#', title, ...schema };
  return { file, text: `${JSON.stringify(whole, null, 2)}\n` };
}
