import type { KubeObject } from '#kube/api/types.ts';
import { applyInjection, injectionPatch } from '#mesh/injector/patch.ts';
import { LINKERD_VERSION, type Values } from '#mesh/install/values.ts';
import type { Invocation } from './verb.ts';

/** Metadata and spec of the pods that a manifest makes. */
export interface Template {
  metadata: KubeObject['metadata'];
  spec: KubeObject['spec'];
}

/** Where the chart refuses to render. */
const AT = 'execution error at (patch/templates/patch.json';

/**
 * Does to a pod template what the injector would do to its pods, with the values and the anchors of the installation as
 * they are now. The result carries its own anchors: a later bundle reaches it only by injecting again.
 */
export function injectManually(
  { controlPlane }: Invocation,
  object: KubeObject,
  template: Template,
  values: Values,
  config: Record<string, string>,
): void {
  const anchors = values.identityTrustAnchorsPEM;
  if (anchors === '') throw new Error(`${AT}:143:10): Please provide the identity trust anchors`);
  template.metadata.annotations = { ...template.metadata.annotations, ...config };
  const owner = object.kind === 'Pod' ? undefined : { kind: object.kind, name: object.metadata.name ?? '' };
  const pod = { metadata: template.metadata, spec: template.spec };
  const patched = applyInjection(
    pod,
    injectionPatch({
      pod,
      namespace: object.metadata.namespace ?? '',
      namespaceAnnotations: {},
      values,
      anchors,
      controlPlaneNamespace: controlPlane,
      ...(owner ? { owner, workloadAnnotations: object.metadata.annotations ?? {} } : {}),
      createdBy: `linkerd/cli ${LINKERD_VERSION}`,
    }),
  );
  template.metadata = patched.metadata;
  // Typed objects lose their zero values when they are written.
  template.spec = JSON.parse(
    JSON.stringify(patched.spec, (key, value) => (key === 'initialDelaySeconds' && value === 0 ? undefined : value)),
  );
}
