import { z } from 'zod';
import { describeCertificate } from '#pki/certificate.ts';
import { verifyChain } from '#pki/verify.ts';
import type { Handshake, Rotation } from '#schema/evidence.ts';
import { type CheckContext, defineCheck, failed, type Outcome, passed } from '../check.ts';
import type { CertificateNames } from '../names.ts';
import { pemBlocks } from '../probes/handshakes.ts';
import { meshCertificates, selectsPod } from '../probes/mesh.ts';
import { removable } from '../views/removable.ts';
import { count } from '../words.ts';

/** The stages of a rotation without an outage, in their order (linkerd.md 2.5). */
const STAGES = ['both-trusted', 'new-issuer', 'all-leaves-new', 'only-new-trusted'] as const;
type Stage = (typeof STAGES)[number];

const anchor = z.string().regex(/^anchor-\d+$/, 'write anchor-<number>, in order of appearance');
const params = z.strictObject({
  pods: z.string().min(1).describe('Meshed pods that are looked at: `shop/*`, or `*` for the control plane as well.'),
  from: anchor.default('anchor-1').describe('The anchor that goes.'),
  to: anchor.default('anchor-2').describe('The anchor that comes.'),
  stage: z
    .enum([...STAGES, 'safe-to-remove'])
    .default('only-new-trusted')
    .describe(
      'How far it must have come, each stage in its turn: `both-trusted` (cluster and pods trust both anchors), `new-issuer` (the issuer is signed by the new one), `all-leaves-new` (every pod’s certificate ends in it), `only-new-trusted` (the old one is gone everywhere). `safe-to-remove`: nobody needs the old anchor any more.',
    ),
});
type Params = z.infer<typeof params>;

/** What was seen of a rotation so far; lives as long as the session. */
interface Memory {
  reached: Partial<Record<Stage, number>>;
  /** The stage that was missing when a later one was seen. */
  skipped?: Stage;
}

/** A rotation of the trust anchor from its first stage to its last. A stage that is passed over is not forgotten. */
export const rotationTimeline = defineCheck<Params>({
  name: 'rotation-timeline',
  summary:
    'How far a rotation of the trust anchor has come, its stages in order, and whether the old anchor can be removed.',
  params,
  triggers: () => [
    { group: '', version: 'v1', resource: 'pods' },
    { group: '', version: 'v1', resource: 'secrets', namespace: 'linkerd' },
    { group: '', version: 'v1', resource: 'configmaps', namespace: 'linkerd' },
    { everyMs: 1_000 },
  ],
  async run(wanted, context) {
    const { clock, names, handshakes, memory } = context;
    const at = clock.now();
    const pods = (await handshakes.all()).filter((pod) =>
      selectsPod(wanted.pods, { namespace: pod.namespace, name: pod.pod, workload: pod.workload }),
    );
    if (pods.length === 0) return failed(`No meshed pod matches ${wanted.pods}.`, [], ['no pods']);
    const holds = await conditions(wanted, pods, context);
    const key = `rotation-timeline ${wanted.pods} ${wanted.from} ${wanted.to}`;
    const seen = remembered((memory.get(key) as Memory | undefined) ?? { reached: {} }, holds, at);
    memory.set(key, seen);
    const old = names.byReference(wanted.from);
    const removal = old
      ? removable(old.fingerprint, old.label ?? 'the old anchor', pods, names.byReference(wanted.to) ? 2 : 1)
      : { safe: false, because: 'the old anchor was never seen' };
    const evidence: Rotation = {
      type: 'rotation',
      at,
      stages: STAGES.map((stage) => {
        const reached = seen.reached[stage];
        if (reached !== undefined) return { stage, state: 'done', at: reached };
        return { stage, state: seen.skipped === stage ? 'skipped' : 'open' };
      }),
      pods: pods.map((pod) => standing(pod, names)),
      removable: { safe: removal.safe, because: removal.because },
    };
    return judge(wanted, seen, holds, evidence);
  },
});

function judge(
  { stage, from }: Params,
  seen: Memory,
  holds: Record<Stage, string | true>,
  evidence: Rotation,
): Outcome {
  const done = STAGES.filter((one) => seen.reached[one] !== undefined);
  const saw = [...done.map((one) => `reached ${one}`), ...(evidence.removable.safe ? ['safe to remove'] : [])];
  if (seen.skipped)
    return failed(
      `The stage ${seen.skipped} was passed over: a later one was reached first. What depended on it was cut off.`,
      [evidence],
      [...saw, 'out of order', `skipped ${seen.skipped}`],
    );
  if (stage === 'safe-to-remove') {
    if (seen.reached['all-leaves-new'] !== undefined && evidence.removable.safe)
      return passed(`${capital(evidence.removable.because)}: it is safe to remove.`, [evidence], saw);
    const open = STAGES.find((one) => seen.reached[one] === undefined);
    const why = open && open !== 'only-new-trusted' && holds[open] !== true ? holds[open] : evidence.removable.because;
    return failed(`${from.replace('-', ' ')} is still needed: ${why}.`, [evidence], saw);
  }
  const upTo = STAGES.slice(0, STAGES.indexOf(stage) + 1);
  const open = upTo.find((one) => seen.reached[one] === undefined);
  if (open) {
    const why = holds[open];
    return failed(`Stage ${STAGES.indexOf(open) + 1}, ${open}: ${why === true ? 'not yet' : why}.`, [evidence], saw);
  }
  return passed(
    `${count(upTo.length, 'stage')} in order, up to ${stage}, seen at ${count(evidence.pods.length, 'pod')}.`,
    [evidence],
    saw,
  );
}

/**
 * Takes note of the stages that hold now. Stages come one after the other, several at one look included. One that holds
 * while an earlier one was never seen was reached out of turn.
 */
export function remembered(before: Memory, holds: Record<Stage, string | true>, at: number): Memory {
  const seen: Memory = { ...before, reached: { ...before.reached } };
  if (seen.skipped) return seen;
  for (const [i, stage] of STAGES.entries()) {
    if (seen.reached[stage] !== undefined || holds[stage] !== true) continue;
    const missing = STAGES.slice(0, i).find((earlier) => seen.reached[earlier] === undefined);
    if (missing) return { ...seen, skipped: missing };
    seen.reached[stage] = at;
  }
  return seen;
}

/** For each stage: true, or why it does not hold now. */
async function conditions(
  { from, to }: Params,
  pods: Handshake[],
  { client, clock, names }: CheckContext,
): Promise<Record<Stage, string | true>> {
  const at = clock.now();
  const { bundle, anchorsPem, issuerPem } = await meshCertificates(client, names, at);
  const [old, fresh] = [names.byReference(from), names.byReference(to)];
  const trusted = new Set(bundle.anchors.map(({ fingerprint }) => fingerprint));
  const freshLabel = to.replace('-', ' ');
  if (!old || !fresh) {
    const why = `the cluster has not seen ${!old ? from.replace('-', ' ') : freshLabel} yet`;
    return { 'both-trusted': why, 'new-issuer': why, 'all-leaves-new': why, 'only-new-trusted': why };
  }
  const lacks = pods.find((pod) => !pod.bundle.includes(fresh.fingerprint));
  const stillTrusts = pods.find((pod) => pod.bundle.includes(old.fingerprint));
  const elsewhere = pods.find((pod) => pod.anchor !== fresh.fingerprint);
  const both = trusted.has(old.fingerprint) && trusted.has(fresh.fingerprint);
  // Roots often bear the same name; the signature tells them apart.
  const anchors = pemBlocks(anchorsPem).filter((pem) => describeCertificate(pem).fingerprint === fresh.fingerprint);
  const chain = pemBlocks(issuerPem ?? '');
  const signed = chain.length > 0 && verifyChain({ chain, anchors, at, anchorDates: 'check', usage: 'any' }).ok;
  return {
    'both-trusted': both
      ? lacks
        ? `${lacks.pod} does not trust ${freshLabel}: it was made before the bundle held it`
        : true
      : `the cluster’s bundle does not hold ${trusted.has(fresh.fingerprint) ? from.replace('-', ' ') : freshLabel}`,
    'new-issuer': signed
      ? true
      : `the issuer in the Secret, ${bundle.issuer?.label ?? 'none'}, is not signed by ${freshLabel}`,
    'all-leaves-new': elsewhere
      ? `${elsewhere.pod} presents a certificate ${elsewhere.failure ? `that does not verify: ${elsewhere.failure}` : `that ends in ${names.label('anchor', elsewhere.anchor ?? '') ?? 'another anchor'}`}`
      : true,
    'only-new-trusted': trusted.has(old.fingerprint)
      ? `the cluster’s bundle still holds ${from.replace('-', ' ')}`
      : stillTrusts
        ? `${stillTrusts.pod} still trusts ${from.replace('-', ' ')}: it was made before the bundle shrank`
        : trusted.has(fresh.fingerprint)
          ? true
          : `the cluster’s bundle does not hold ${freshLabel}`,
  };
}

function standing(pod: Handshake, names: CertificateNames): Rotation['pods'][number] {
  const [leaf, issuer] = pod.chain;
  const anchorLabel = pod.anchor && names.label('anchor', pod.anchor);
  return {
    namespace: pod.namespace,
    pod: pod.pod,
    ...(leaf ? { leaf: leaf.serial } : {}),
    ...(issuer?.label ? { issuer: issuer.label } : {}),
    ...(anchorLabel ? { anchor: anchorLabel } : {}),
    trusts: pod.bundle.map((fingerprint) => names.label('anchor', fingerprint) ?? 'an unknown anchor'),
  };
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
