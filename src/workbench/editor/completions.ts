import type * as Monaco from 'monaco-editor/editor/editor.api';
import { KINDS } from './kinds.ts';
import { type ResourceSchemas, resourceSchemas, schemaAt, typeWord } from './resource-schemas.ts';
import { type Place, placeAt } from './yaml-place.ts';

/** A suggestion, without what only the editor needs. */
export interface Offer {
  label: string;
  /** What is put in place of what was typed; a snippet when `snippet`. */
  insert: string;
  detail: string;
  about?: string;
  snippet?: boolean;
  kind: 'value' | 'field' | 'resource';
}

/**
 * What can be written at a place: whole resources on an empty first line, `apiVersion` and `kind` values, the fields
 * that the mesh's kinds have there and are not written yet, and the values that a field allows.
 */
export function offersAt(place: Place, schemas: ResourceSchemas): Offer[] {
  const top = place.path.length === 0;
  if (top && place.key === 'kind') return values(KINDS.map(({ kind }) => kind));
  if (top && place.key === 'apiVersion') return values(KINDS.map(({ apiVersion }) => apiVersion));
  const schema = schemas[`${place.apiVersion} ${place.kind}`];
  if (place.key !== undefined) {
    const field = schemaAt(schema, [...place.path, place.key]);
    if (field?.type === 'boolean') return values(['true', 'false']);
    return values(field?.enum ?? []);
  }
  const here = schemaAt(schema, place.path);
  const fields = Object.entries(here?.properties ?? {})
    .filter(([name]) => !place.siblings.includes(name))
    .map(([name, field]): Offer => {
      const must = here?.required?.includes(name) ? ', required' : '';
      const list = field.type === 'array';
      const map = field.type === 'object';
      return {
        label: name,
        insert: list ? `${name}:\n  - ` : map ? `${name}:\n  ` : `${name}: `,
        detail: `${typeWord(field)}${must}`,
        kind: 'field',
      };
    });
  if (!top || place.siblings.length > 0) return fields;
  return [...fields, ...KINDS.map(resourceOffer)];
}

function values(list: readonly string[]): Offer[] {
  return [...new Set(list)].map((value) => ({ label: value, insert: value, detail: '', kind: 'value' as const }));
}

function resourceOffer({ kind, apiVersion, about, body }: (typeof KINDS)[number]): Offer {
  return {
    label: kind,
    insert: `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: \${1:name}\n  namespace: \${2:default}\n${body}`,
    detail: apiVersion,
    about,
    snippet: true,
    kind: 'resource',
  };
}

export function registerKubernetes(monaco: typeof Monaco): void {
  const { CompletionItemKind, CompletionItemInsertTextRule } = monaco.languages;
  const kinds = {
    value: CompletionItemKind.EnumMember,
    field: CompletionItemKind.Field,
    resource: CompletionItemKind.Snippet,
  };
  monaco.languages.registerCompletionItemProvider('yaml', {
    triggerCharacters: [' ', '-'],
    async provideCompletionItems(model, position) {
      const place = placeAt(model.getLinesContent(), position.lineNumber - 1, position.column - 1);
      if (!place) return { suggestions: [] };
      const range = new monaco.Range(
        position.lineNumber,
        position.column - place.typed.length,
        position.lineNumber,
        position.column,
      );
      const schemas = await resourceSchemas();
      return {
        suggestions: offersAt(place, schemas).map((offer) => ({
          label: offer.label,
          kind: kinds[offer.kind],
          detail: offer.detail,
          ...(offer.about ? { documentation: offer.about } : {}),
          insertText: offer.insert,
          ...(offer.snippet ? { insertTextRules: CompletionItemInsertTextRule.InsertAsSnippet } : {}),
          range,
        })),
      };
    },
  });
}
