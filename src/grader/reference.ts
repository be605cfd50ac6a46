import { z } from 'zod';
import type { Check } from './check.ts';

/** A parameter of a check, in words. */
export interface Parameter {
  /** Dotted below the first level: `is.atLeast`. */
  name: string;
  /** `text`, `number`, `one of a, b`, `list of text`. */
  type: string;
  needed: boolean;
  /** As JSON; undefined when there is none. */
  standard?: string;
  description: string;
}

interface Json {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Json[];
  items?: Json;
  prefixItems?: Json[];
  properties?: Record<string, Json>;
  required?: string[];
  default?: unknown;
  description?: string;
}

/** The parameters of a check in the order in which its schema names them. */
export function parametersOf(check: Check): Parameter[] {
  const schema = z.toJSONSchema(check.params, { io: 'input', unrepresentable: 'any' }) as Json;
  return listed(schema, '');
}

function listed(schema: Json, prefix: string): Parameter[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
    {
      name: prefix + name,
      type: typeOf(property),
      needed: (schema.required ?? []).includes(name),
      ...(property.default === undefined ? {} : { standard: JSON.stringify(property.default) }),
      description: property.description ?? '',
    },
    ...listed(property, `${prefix}${name}.`),
  ]);
}

function typeOf(schema: Json): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum) return `one of ${schema.enum.map((value) => `\`${String(value)}\``).join(', ')}`;
  if (schema.anyOf) {
    const constants = schema.anyOf.every((one) => one.const !== undefined);
    const types = [...new Set(schema.anyOf.map(typeOf))];
    return constants ? `one of ${types.join(', ')}` : types.join(' or ');
  }
  switch (schema.type) {
    case 'string':
      return 'text';
    case 'integer':
      return 'whole number';
    case 'boolean':
      return 'yes or no';
    case 'array':
      return schema.prefixItems
        ? `${schema.prefixItems.length} numbers`
        : `list of ${schema.items ? typeOf(schema.items) : 'values'}`;
    case 'object':
      return 'map';
    default:
      return schema.type ?? 'anything';
  }
}

/** The reference page of the catalogue, made from the schemas. */
export function referencePage(checks: Iterable<Check>): string {
  const all = [...checks].sort((a, b) => a.name.localeCompare(b.name));
  return `${[
    '# The checks',
    '',
    'Made by `npx academy list checks --markdown` from `src/grader/checks/`; change a check there, not here.',
    '',
    'A task of a lab names one of these under `check` and gives it its parameters under `with`.',
    '`issuer-2` and `anchor-2` mean the second that the cluster ever had. Pods are selected by `namespace/deployment`, `namespace/*` or `*`, several with commas.',
    '',
    ...all.map(({ name, summary }) => `- [\`${name}\`](#${name}): ${summary}`),
    ...all.flatMap(sectionOf),
  ].join('\n')}\n`;
}

function sectionOf(check: Check): string[] {
  const rows = parametersOf(check).map(({ name, type, needed, standard, description }) => {
    const without = needed ? 'needed' : standard === undefined ? '' : `\`${standard}\` when absent`;
    return `- \`${name}\`: ${type}${without ? `; ${without}` : ''}. ${description}`;
  });
  return ['', `## ${check.name}`, '', check.summary, '', ...rows];
}
