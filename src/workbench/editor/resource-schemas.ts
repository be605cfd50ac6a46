/** What a place in a resource may hold. `values`: of a map with free keys; `open`: anything beside what is listed. */
export interface ResourceSchema {
  type?: string;
  properties?: Record<string, ResourceSchema>;
  items?: ResourceSchema;
  enum?: string[];
  required?: string[];
  values?: ResourceSchema;
  open?: boolean;
}

/** By `apiVersion kind`, e.g. `policy.linkerd.io/v1beta3 Server`. */
export type ResourceSchemas = Record<string, ResourceSchema>;

let loading: Promise<ResourceSchemas> | undefined;

/** The schemas of the mesh's kinds, fetched once. Without them the editor knows less and works all the same. */
export function resourceSchemas(): Promise<ResourceSchemas> {
  loading ??= fetch('/schemas.json')
    .then((response) => (response.ok ? (response.json() as Promise<ResourceSchemas>) : {}))
    .catch(() => ({}));
  return loading;
}

/** The schema at a path of keys, where `[]` goes into a list; undefined where nothing is known. */
export function schemaAt(schema: ResourceSchema | undefined, path: readonly string[]): ResourceSchema | undefined {
  let at = schema;
  for (const key of path) {
    if (!at) return undefined;
    at = key === '[]' ? at.items : (at.properties?.[key] ?? at.values);
  }
  return at;
}

/** How a type is called where people read it. */
export function typeWord(schema: ResourceSchema): string {
  if (schema.enum) return schema.enum.join(' or ');
  const words: Record<string, string> = { object: 'a map', array: 'a list', string: 'text', integer: 'a number' };
  return words[schema.type ?? ''] ?? schema.type ?? 'any value';
}
