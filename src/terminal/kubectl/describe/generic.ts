import type { KubeObject } from '#kube/api/types.ts';
import { header, labelsAndAnnotations, type Writer } from './write.ts';

/** Objects of kinds kubectl does not know: every field, names taken apart into words. */
export function describeGeneric(w: Writer, object: KubeObject): void {
  header(w, object);
  if (!object.metadata.namespace) w.line(0, 'Namespace:\t');
  labelsAndAnnotations(w, object);
  const {
    labels: _l,
    annotations: _a,
    name: _n,
    namespace: _s,
    managedFields: _m,
    selfLink: _k,
    ...metadata
  } = object.metadata as Record<string, unknown>;
  fields(w, 0, { ...object, metadata });
}

const UPPER = new Set(['API', 'URL', 'UID', 'OSB', 'GUID']);

/** `targetRef` reads `Target Ref`, `apiVersion` reads `API Version`. */
export function fieldLabel(name: string): string {
  if (!/^[\p{L}-]+$/u.test(name)) return name;
  const words = name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|-|[A-Z]/g) ?? [name];
  return words
    .map((word) =>
      UPPER.has(word.toUpperCase()) ? word.toUpperCase() : word[0]!.toUpperCase() + word.slice(1).toLowerCase(),
    )
    .join(' ');
}

function fields(w: Writer, level: number, content: Record<string, unknown>): void {
  const keys = Object.keys(content)
    .filter((key) => content[key] !== undefined)
    .sort();
  for (const key of keys) {
    const value = content[key];
    const label = fieldLabel(key);
    if (Array.isArray(value)) {
      w.line(level, `${label}:`);
      for (const each of value) {
        if (each !== null && typeof each === 'object' && !Array.isArray(each))
          fields(w, level + 1, each as Record<string, unknown>);
        else w.line(level + 1, String(each));
      }
    } else if (value !== null && typeof value === 'object') {
      w.line(level, `${label}:`);
      fields(w, level + 1, value as Record<string, unknown>);
    } else w.line(level, `${label}:\t${value === null ? '<nil>' : value}`);
  }
}
