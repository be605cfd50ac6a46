import { goPrint } from '#kube/api/go-json.ts';
import type { ApiRequest } from '#kube/api/http.ts';
import { failure, type StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { copyOf, readBody } from './body.ts';
import { pruneAndDefault } from './custom.ts';
import { decodeProblem, type TypeProblem } from './decode.ts';
import type { Draft } from './draft.ts';
import { apiVersionOf } from './kinds.ts';
import { strictProblems } from './strict.ts';

/** The object that a request carries, as a private copy, checked against its address. */
export function received(draft: Draft, isScale = false): KubeObject {
  const { kind, request } = draft;
  const object = copyOf(readBody(request)) as KubeObject;
  checkShape(object);
  // What is empty is not written out.
  for (const name of ['annotations', 'labels'] as const) {
    const map = object.metadata?.[name];
    if (map && typeof map === 'object' && Object.keys(map).length === 0) delete object.metadata[name];
  }
  const apiVersion = apiVersionOf(kind.group, kind.version);
  if (!isScale) {
    object.apiVersion ||= apiVersion;
    object.kind ||= kind.kind;
    if (object.kind !== kind.kind || object.apiVersion !== apiVersion) {
      if (!(kind.storage === '/events' && object.kind === 'Event')) {
        throw failure(
          'BadRequest',
          `${object.kind} in version ${JSON.stringify(object.apiVersion)} cannot be handled as a ${kind.kind}: no kind ${JSON.stringify(object.kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"`,
        );
      }
      object.apiVersion = apiVersion;
    }
    checkFields(draft, object);
  }
  return object;
}

/** Unknown and duplicate fields: an error, a warning or nothing, as `fieldValidation` asks. */
export function checkFields({ kind, request, warnings }: Draft, object: KubeObject): void {
  const mode = request.query.get('fieldValidation') ?? 'Warn';
  const decoded = request.method === 'POST' || request.method === 'PUT';
  const as = `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}`;
  if (kind.custom) {
    const unknown: string[] = [];
    pruneAndDefault(object, kind.schema(), unknown);
    report(
      unknown.map((path) => `unknown field ${JSON.stringify(path)}`),
      mode,
      warnings,
      decoded ? as : undefined,
    );
    return;
  }
  const wrong = decodeProblem(object, kind.schema());
  if (wrong) throw decoded ? failure('BadRequest', `${as}: ${wrong.json}`) : wrongPatch(request, object, as, wrong);
  if (mode === 'Ignore') return;
  report(strictProblems(object, kind), mode, warnings, decoded ? as : undefined);
}

export function place({ kind, attributes }: Draft, object: KubeObject): void {
  if (!kind.namespaced) {
    delete object.metadata.namespace;
    return;
  }
  if (object.metadata.namespace && object.metadata.namespace !== attributes.namespace) {
    throw failure(
      'BadRequest',
      `the namespace of the provided object does not match the namespace sent on the request`,
    );
  }
  object.metadata.namespace = attributes.namespace;
}

/** `as` names the kind that a request's object was to be, as decoders say it; absent for patches. */
function report(problems: string[], mode: string, warnings: string[], as?: string): void {
  if (problems.length === 0 || mode === 'Ignore') return;
  if (mode === 'Strict')
    throw failure('BadRequest', `${as ? `${as}: ` : ''}strict decoding error: ${problems.join(', ')}`);
  warnings.push(...problems);
}

/** What is said of a patch whose result is not of its kind any more (apiserver/pkg/endpoints/handlers/patch.go). */
function wrongPatch(request: ApiRequest, object: KubeObject, as: string, wrong: TypeProblem): StatusError {
  const strategic = (request.headers['content-type'] ?? '').startsWith('application/strategic');
  const patch = readBody(request);
  const [value, why] = strategic ? [goPrint(patch), wrong.converter] : [JSON.stringify(object), `${as}: ${wrong.json}`];
  const message = `Invalid value: ${JSON.stringify(value)}: ${why}`;
  return failure('Invalid', ` "" is invalid: patch: ${message}`, {
    causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }],
  });
}

export function checkShape(object: KubeObject): void {
  if (typeof object !== 'object' || object === null || Array.isArray(object))
    throw failure('BadRequest', 'the object provided is not an object');
  object.metadata ??= {};
  if (typeof object.metadata !== 'object' || Array.isArray(object.metadata)) {
    throw failure(
      'BadRequest',
      `${object.kind ?? 'object'} in version ${JSON.stringify(object.apiVersion ?? '')} cannot be handled as a ${object.kind ?? 'object'}: json: cannot unmarshal into Go struct field .metadata of type v1.ObjectMeta`,
    );
  }
  for (const field of ['name', 'namespace', 'generateName', 'resourceVersion', 'uid'] as const) {
    const value: unknown = object.metadata[field];
    if (value === null) delete object.metadata[field];
    else if (value !== undefined && typeof value !== 'string') {
      throw failure(
        'BadRequest',
        `json: cannot unmarshal ${typeof value} into Go struct field ObjectMeta.metadata.${field} of type string`,
      );
    }
  }
  for (const field of ['labels', 'annotations'] as const) {
    const map: unknown = object.metadata[field];
    if (map === null) delete object.metadata[field];
    if (typeof map !== 'object' || map === null) continue;
    for (const value of Object.values(map)) {
      if (typeof value !== 'string') {
        throw failure(
          'BadRequest',
          `${object.kind ?? 'object'} in version ${JSON.stringify((object.apiVersion ?? '').split('/').at(-1))} cannot be handled as a ${object.kind}: json: cannot unmarshal ${typeof value === 'boolean' ? 'bool' : typeof value} into Go struct field ObjectMeta.metadata.${field} of type string`,
        );
      }
    }
  }
}
