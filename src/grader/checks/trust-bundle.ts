import { z } from 'zod';
import type { Handshake } from '#schema/evidence.ts';
import { type CheckContext, defineCheck, failed, passed } from '../check.ts';
import { meshCertificates, selectsPod } from '../probes/mesh.ts';
import { count } from '../words.ts';

const anchors = z.array(z.string().regex(/^anchor-\d+$/, 'write anchor-<number>, in order of appearance')).min(1);
const params = z.strictObject({
  contains: anchors.optional().describe('Anchors that must be trusted, whatever else is.'),
  only: anchors.optional().describe('Anchors that must be trusted, and no other.'),
  inEveryPod: z
    .string()
    .optional()
    .describe('Meshed pods that must trust them as well, e.g. `shop/*`. A pod’s bundle is fixed when the pod is made.'),
});
type Params = z.infer<typeof params>;

/** The trust bundle of the cluster, and the one that each pod was made with. */
export const trustBundle = defineCheck<Params>({
  name: 'trust-bundle',
  summary: 'Which trust anchors the cluster’s bundle holds, and whether the selected pods trust the same ones.',
  params,
  triggers: () => [
    { group: '', version: 'v1', resource: 'configmaps', namespace: 'linkerd' },
    { group: '', version: 'v1', resource: 'pods' },
    { everyMs: 3_000 },
  ],
  async run(wanted, context) {
    const { bundle } = await meshCertificates(context.client, context.names, context.clock.now());
    if (bundle.anchors.length === 0)
      return failed('The trust bundle holds no readable certificate.', [bundle], ['no anchors']);
    const inCluster = bundle.anchors.map((anchor) => anchor.label!);
    const saw = inCluster.map((label) => `bundle has ${label.replace(' ', '-')}`);
    const problem = problemWith(inCluster, wanted);
    if (problem) return failed(`The cluster’s bundle ${problem}.`, [bundle], saw);
    const { pods, evidence, none } = await selected(wanted, context);
    if (none) return failed(`No meshed pod matches ${wanted.inEveryPod}.`, [bundle], [...saw, 'no pods']);
    const wrong = pods.filter(({ labels }) => problemWith(labels, wanted));
    if (wrong.length > 0) {
      const [first] = wrong;
      const rest = wrong.length > 1 ? `, and ${wrong.length - 1} of ${pods.length} pods more differ` : '';
      return failed(
        `The cluster’s bundle is right, but the one of ${first!.pod} ${problemWith(first!.labels, wanted)}${rest}.`,
        [bundle, ...evidence],
        [...saw, 'pod with old bundle'],
      );
    }
    const everywhere =
      pods.length > 0 ? `, and so does ${pods.length === 1 ? 'the pod' : `each of ${count(pods.length, 'pod')}`}` : '';
    return passed(`The cluster trusts ${inCluster.join(' and ')}${everywhere}.`, [bundle, ...evidence], saw);
  },
});

/** `lacks anchor 2`, `still holds anchor 1`, or undefined when it is as asked. */
function problemWith(labels: string[], { contains = [], only }: Params): string | undefined {
  const wanted = [...contains, ...(only ?? [])].map((reference) => reference.replace('-', ' '));
  const missing = wanted.filter((label) => !labels.includes(label));
  if (missing.length > 0) return `lacks ${missing.join(' and ')}`;
  const extra = only ? labels.filter((label) => !wanted.includes(label)) : [];
  return extra.length > 0 ? `still holds ${extra.join(' and ')}` : undefined;
}

async function selected(
  { inEveryPod }: Params,
  { handshakes, names }: CheckContext,
): Promise<{ pods: { pod: string; labels: string[] }[]; evidence: Handshake[]; none: boolean }> {
  if (inEveryPod === undefined) return { pods: [], evidence: [], none: false };
  const evidence = (await handshakes.all()).filter((pod) =>
    selectsPod(inEveryPod, { namespace: pod.namespace, name: pod.pod, workload: pod.workload }),
  );
  const pods = evidence.map((pod) => ({
    pod: pod.pod,
    labels: pod.bundle.map((fingerprint) => names.label('anchor', fingerprint) ?? 'an unknown anchor'),
  }));
  return { pods, evidence, none: pods.length === 0 };
}
