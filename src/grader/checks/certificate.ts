import { z } from 'zod';
import { parseGoDuration } from '#base/go-duration.ts';
import type { CertificateInfo, Handshake } from '#schema/evidence.ts';
import { defineCheck, failed, passed, waiting } from '../check.ts';
import { selectsPod } from '../probes/mesh.ts';
import { ageOf, count } from '../words.ts';

const duration = z
  .string()
  .refine((text) => parseGoDuration(text) !== undefined, 'write a length of time such as 24h, 90m or 1h30m');

const params = z.strictObject({
  pods: z.string().min(1).describe('Which meshed pods: `shop/*`, `shop/web`, or several with commas.'),
  signedBy: z
    .string()
    .regex(/^issuer-\d+$/)
    .optional()
    .describe('The leaf must be signed by this issuer: `issuer-2` is the second that the cluster ever had.'),
  verifies: z
    .literal('now')
    .optional()
    .describe('`now`: the chain verifies against the trust bundle at the cluster’s time.'),
  identity: z
    .string()
    .regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'write <service account>.<namespace>')
    .optional()
    .describe('Whose certificate it must be: `<service account>.<namespace>`, e.g. `web.shop`.'),
  expiresWithin: duration
    .optional()
    .describe('The leaf ends within this from now, by the cluster’s clock, and has not ended: `1h`.'),
  expiresAfter: duration.optional().describe('The leaf is good for longer than this from now: `12h`.'),
});
type Params = z.infer<typeof params>;

/** A length of time as the schema has let it through. */
const msOf = (text: string): number => parseGoDuration(text) ?? Number.NaN;

/** Every selected pod is asked for its certificate by a TLS handshake with its admin port. */
export const certificate = defineCheck<Params>({
  name: 'certificate',
  summary: 'What certificate the selected pods present in a TLS handshake: who signed it, and whether it verifies now.',
  params,
  // A leaf can be renewed without any object changing, so the pods are also asked every second.
  triggers: () => [{ group: '', version: 'v1', resource: 'pods' }, { everyMs: 1_000 }],
  async run(wanted, context) {
    const { pods } = wanted;
    const all = await context.handshakes.all();
    const selected = all.filter((h) => selectsPod(pods, { namespace: h.namespace, name: h.pod, workload: h.workload }));
    if (selected.length === 0) return failed(`No meshed pod matches ${pods}.`, [], ['no pods']);
    const saw = new Set<string>();
    const now = context.clock.now();
    const wrong: { pod: Handshake; why: string }[] = [];
    for (const pod of selected) {
      const why = problemOf(pod, wanted, saw, now);
      if (why) wrong.push({ pod, why });
    }
    if (wrong.length === 0) {
      const newest = selected.reduce((a, b) => (leafOf(a).notBefore > leafOf(b).notBefore ? a : b));
      const issuer = issuerLabel(newest) ?? 'its issuer';
      const age = ageOf(now - issuedAt(leafOf(newest)));
      return passed(
        `${count(selected.length, 'pod')} presented a certificate from ${issuer}; the newest, of ${newest.workload.split('/')[1]}, is ${age} old.`,
        selected,
        [...saw],
      );
    }
    const [first] = wrong;
    const rest = wrong.length > 1 ? `, and ${wrong.length - 1} of ${selected.length} pods more differ` : '';
    const said = `${first!.pod.pod} ${first!.why}${rest}.`;
    const notYet = wrong.every(({ pod }) => pod.chain.length === 0 && !/expired/.test(pod.failure ?? ''));
    return notYet ? waiting(said, selected, [...saw]) : failed(said, selected, [...saw]);
  },
});

function problemOf(pod: Handshake, wanted: Params, saw: Set<string>, now: number) {
  const { signedBy, verifies, identity, expiresWithin, expiresAfter } = wanted;
  if (pod.chain.length === 0) {
    saw.add('no handshake');
    return `did not complete a handshake: ${pod.failure ?? 'no answer'}`;
  }
  const leaf = leafOf(pod);
  if (!leaf.dnsNames.includes(pod.identity))
    return `presented a certificate for ${leaf.dnsNames.join(', ') || 'nobody'}`;
  const [account, namespace] = pod.identity.split('.');
  saw.add(`identity ${account}.${namespace}`);
  if (identity && identity !== `${account}.${namespace}`)
    return `presented a certificate for ${account} in ${namespace}, not for ${identity.replace('.', ' in ')}`;
  const issuer = issuerLabel(pod);
  if (issuer) saw.add(`signedBy ${issuer.replace(' ', '-')}`);
  if (pod.failure && /expired/.test(pod.failure)) saw.add('expired');
  if (signedBy && issuer !== signedBy.replace('-', ' ')) {
    return `presented a certificate from ${issuer ?? leaf.issuer}, not from ${signedBy.replace('-', ' ')}`;
  }
  const left = leaf.notAfter - now;
  if (expiresWithin && left > msOf(expiresWithin)) {
    saw.add('expires later');
    return `presented a certificate that is good for ${ageOf(left)}, longer than ${expiresWithin}`;
  }
  if ((expiresWithin || expiresAfter) && left <= 0) {
    saw.add('expired');
    return `presented a certificate that ended ${ageOf(-left)} ago`;
  }
  if (expiresAfter && left <= msOf(expiresAfter)) {
    saw.add('expires sooner');
    return `presented a certificate that is good for ${ageOf(left)}, not for more than ${expiresAfter}`;
  }
  if (verifies && pod.failure) return `presented a chain that does not verify: ${pod.failure}`;
  return undefined;
}

const leafOf = (pod: Handshake): CertificateInfo => pod.chain[0]!;

/** The label of the certificate that follows the leaf; proxies send leaf and issuer. */
const issuerLabel = (pod: Handshake): string | undefined => pod.chain[1]?.label;

/** Leaves are dated back by the clock-skew allowance of 20 s. */
const issuedAt = (leaf: CertificateInfo): number => leaf.notBefore + 20_000;
