import { jsonPatch } from '#kube/api/patch/json.ts';
import { mergePatch } from '#kube/api/patch/merge.ts';
import { strategicMerge } from '#kube/api/patch/strategic.ts';
import { failure } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { ResourceKind } from './kinds.ts';

/** What a patch makes of an object, by the patch's media type. */
export function patchWith(type: string, base: KubeObject, patch: unknown, kind: ResourceKind): unknown {
  const made = madeWith(type, base, patch, kind) as Partial<KubeObject> | undefined;
  // What is empty is not written out.
  for (const name of ['annotations', 'labels'] as const) {
    const map: unknown = made?.metadata?.[name];
    if (map && typeof map === 'object' && Object.keys(map).length === 0) delete made!.metadata![name];
  }
  return made;
}

function madeWith(type: string, base: KubeObject, patch: unknown, kind: ResourceKind): unknown {
  switch (type) {
    case 'application/json-patch+json':
      return jsonPatch(base, patch);
    case 'application/merge-patch+json':
      return structuredClone(mergePatch(base, patch));
    case 'application/strategic-merge-patch+json':
      if (kind.custom) break;
      return structuredClone(strategicMerge(base, patch, kind.schema()));
  }
  const supported = kind.custom
    ? 'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml'
    : 'application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor';
  throw failure(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${supported}`,
  );
}
