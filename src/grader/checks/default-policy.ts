import { z } from 'zod';
import { defineCheck, failed, passed } from '../check.ts';
import { PODS } from '../probes/mesh.ts';
import { count } from '../words.ts';

const params = z.strictObject({
  namespace: z.string().min(1).describe('Namespace of the pods.'),
  is: z
    .enum([
      'deny',
      'all-authenticated',
      'all-unauthenticated',
      'cluster-authenticated',
      'cluster-unauthenticated',
      'audit',
    ])
    .describe('The default inbound policy that every meshed pod of the namespace must have been given.'),
});

const ANNOTATION = 'config.linkerd.io/default-inbound-policy';

/**
 * The default inbound policy that the meshed pods of a namespace run with. The namespace's annotation is copied to a pod
 * when it is made, and only then (linkerd.md 3.2), so the pods are what counts.
 */
export const defaultPolicy = defineCheck<z.infer<typeof params>>({
  name: 'default-policy',
  summary: 'Which default inbound policy the meshed pods of a namespace run with.',
  params,
  triggers: ({ namespace }) => [
    { ...PODS, namespace },
    { group: '', version: 'v1', resource: 'namespaces' },
  ],
  async run({ namespace, is }, { client }) {
    const { items } = await client.list({ ...PODS, namespace });
    const meshed = items.filter(
      (pod) =>
        !pod.metadata.deletionTimestamp &&
        [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].some(
          (c: { name: string }) => c.name === 'linkerd-proxy',
        ),
    );
    if (meshed.length === 0) return failed(`No meshed pod in ${namespace}.`);
    const other = meshed.filter((pod) => pod.metadata.annotations?.[ANNOTATION] !== is);
    if (other.length === 0)
      return passed(`${count(meshed.length, 'meshed pod')} in ${namespace} run with the default policy ${is}.`);
    const space = await client.get({ group: '', version: 'v1', resource: 'namespaces' }, namespace);
    const annotated = space.metadata.annotations?.[ANNOTATION] === is;
    const example = other[0]!;
    const has = example.metadata.annotations?.[ANNOTATION];
    const why = annotated
      ? 'it was made before the namespace was annotated'
      : `the namespace is not annotated with ${is}`;
    return failed(
      `${count(other.length, 'pod')} of ${meshed.length} not: ${example.metadata.name} runs with ${has ?? 'the mesh’s default'}; ${why}.`,
      [],
      [annotated ? 'annotated, not restarted' : 'not annotated'],
    );
  },
});
