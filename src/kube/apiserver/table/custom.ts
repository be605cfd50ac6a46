import type { KubeObject } from '#kube/api/types.ts';
import { durationText } from './age.ts';

/** The value of an additional printer column: a simple JSON path, with filters as CRDs use them. */
export function customCell(object: KubeObject, column: { type: string; jsonPath: string }, now: number): unknown {
  const found = valuesAt(object, column.jsonPath);
  const [value] = found;
  if (value === undefined || value === null)
    return column.type === 'string' || column.type === 'date' ? (column.type === 'date' ? '<unknown>' : '') : null;
  switch (column.type) {
    case 'date':
      return Number.isNaN(Date.parse(String(value))) ? '<invalid>' : durationText(now - Date.parse(String(value)));
    case 'integer':
    case 'number':
    case 'boolean':
      return value;
    default:
      return typeof value === 'object'
        ? JSON.stringify(value)
        : found.length > 1
          ? found.map(String).join(',')
          : String(value);
  }
}

/** `.spec.a.b[0].c`, `.status.conditions[?(@.type=="Ready")].status`, `.spec.hosts[*]`. */
function valuesAt(object: unknown, path: string): unknown[] {
  let values: unknown[] = [object];
  for (const match of path.matchAll(
    /\.([\w-]+)|\['([^']+)'\]|\[(\d+)\]|\[(\*)\]|\[\?\(@\.([\w.-]+)\s*==\s*["']([^"']*)["']\)\]/g,
  )) {
    const [, field, quoted, index, all, key, wanted] = match;
    values = values.flatMap((value): unknown[] => {
      if (value === null || value === undefined) return [];
      const name = field ?? quoted;
      if (name !== undefined) return [(value as Record<string, unknown>)[name]];
      if (!Array.isArray(value)) return [];
      if (index !== undefined) return [value[Number(index)]];
      if (all) return value;
      return value.filter((item) => String(item?.[key!]) === wanted);
    });
  }
  return values.filter((value) => value !== undefined);
}
