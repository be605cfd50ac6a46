import type { ApiRequest } from '#kube/api/http.ts';
import { failure } from '#kube/api/status.ts';

/** Clients send a few headers again and again. Bounded: who sends always new ones fills it in vain. */
const known = new Map<string, string[]>();
const MOST_KNOWN = 64;

/** The forms of an Accept header in the order in which they stand; protocol buffers are not spoken here. */
function formsOf(request: ApiRequest): string[] {
  const accept = request.headers.accept ?? '*/*';
  let forms = known.get(accept);
  if (!forms) {
    forms = accept
      .split(',')
      .map((form) => form.trim())
      .filter((form) => form !== '' && isServed(form));
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(accept, forms);
  }
  return forms;
}

function isServed(form: string): boolean {
  const [type = '', ...parameters] = form.split(';').map((part) => part.trim());
  const as = parameters.find((part) => part.startsWith('as='))?.slice(3);
  return (
    ['*/*', 'application/*', 'application/json', 'application/yaml'].includes(type) &&
    (as === undefined || ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'].includes(as))
  );
}

/** Throws NotAcceptable when a client takes nothing that there is. Source: apiserver/pkg/endpoints/handlers/negotiation. */
export function checkAcceptable(request: ApiRequest): void {
  if (formsOf(request).length === 0)
    throw failure('NotAcceptable', 'only the following media types are accepted: application/json, application/yaml');
}

/** Whether the first form that a client names, and that there is, holds the metadata alone. */
export const wantsMetadata = (request: ApiRequest): boolean =>
  /as=PartialObjectMetadata(List)?\b/.test(formsOf(request)[0] ?? '');

export const wantsTable = (request: ApiRequest): boolean => /as=Table\b/.test(formsOf(request)[0] ?? '');

export const wantsYaml = (accept: string | undefined): boolean => /^\s*application\/yaml\b/.test(accept ?? '');
