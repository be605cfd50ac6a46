import { LineCounter, parseAllDocuments } from 'yaml';
import type { Mistake } from './monaco.ts';
import type { ResourceSchemas } from './resource-schemas.ts';
import { schemaMistakes } from './schema-mistakes.ts';

/** Mistakes in YAML (and so in JSON), with what stands in the way of `kubectl apply` before it is asked. */
export function yamlMistakes(text: string, schemas: ResourceSchemas = {}): Mistake[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (!Array.isArray(documents)) return [];
  const mistakes: Mistake[] = [];
  for (const document of documents) {
    for (const { message, pos } of document.errors) {
      mistakes.push({ message: sentence(message), from: pos[0], to: pos[1], severity: 'error' });
    }
    for (const { message, pos } of document.warnings) {
      mistakes.push({ message: sentence(message), from: pos[0], to: pos[1], severity: 'warning' });
    }
    if (document.errors.length > 0 || document.contents === null) continue;
    const value: unknown = document.toJS();
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
    const [from] = document.range ?? [0];
    const start = document.contents.range?.[0] ?? from;
    const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown };
    const schema = schemas[`${apiVersion} ${kind}`];
    if (schema) mistakes.push(...schemaMistakes(document.contents, schema));
    const has = (key: string) => key in value;
    if (has('kind') !== has('apiVersion')) {
      const missing = has('kind') ? 'apiVersion' : 'kind';
      mistakes.push({
        message: `A Kubernetes resource needs ${missing} as well.`,
        from: start,
        to: endOfLine(text, start),
        severity: 'warning',
      });
    }
  }
  return mistakes;
}

function sentence(message: string): string {
  const first = message.split('\n')[0]!.trim();
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}
