import { parse } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import { applyInjection, injectionPatch } from '#mesh/injector/patch.ts';
import { LINKERD_VERSION } from '#mesh/install/values.ts';
import { Failure, type Invocation } from './verb.ts';

/** Metadata and spec of the pods that a manifest makes. */
interface Template {
  metadata: KubeObject['metadata'];
  spec: KubeObject['spec'];
}

/**
 * Does to a pod template what the injector would do to its pods, with the values and the trust bundle of the cluster as
 * they are now. The result carries its own anchors: a later bundle reaches it only by injecting again.
 */
export async function injectManually(
  { client, controlPlane }: Invocation,
  object: KubeObject,
  template: Template,
  config: Record<string, string>,
): Promise<void> {
  const target = { group: '', version: 'v1', resource: 'configmaps', namespace: controlPlane };
  let values: KubeObject;
  let roots: KubeObject;
  try {
    [values, roots] = await Promise.all([
      client.get(target, 'linkerd-config'),
      client.get(target, 'linkerd-identity-trust-roots'),
    ]);
  } catch (error) {
    throw new Failure(`could not fetch configs from kubernetes: ${(error as Error).message}`);
  }
  if (Object.keys(config).length > 0) template.metadata.annotations = { ...template.metadata.annotations, ...config };
  const owner = object.kind === 'Pod' ? undefined : { kind: object.kind, name: object.metadata.name ?? '' };
  const pod = { metadata: template.metadata, spec: template.spec };
  const patched = applyInjection(
    pod,
    injectionPatch({
      pod,
      namespace: object.metadata.namespace ?? '',
      namespaceAnnotations: {},
      values: parse(values.data?.values ?? ''),
      anchors: roots.data?.['ca-bundle.crt'] ?? '',
      controlPlaneNamespace: controlPlane,
      ...(owner ? { owner } : {}),
      createdBy: `linkerd/cli ${LINKERD_VERSION}`,
    }),
  );
  template.metadata = patched.metadata;
  // Typed objects lose their zero values when they are written.
  template.spec = JSON.parse(
    JSON.stringify(patched.spec, (key, value) => (key === 'initialDelaySeconds' && value === 0 ? undefined : value)),
  );
}
