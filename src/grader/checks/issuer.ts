import { z } from 'zod';
import { describeCertificate } from '#pki/certificate.ts';
import { verifyChain } from '#pki/verify.ts';
import { defineCheck, failed, passed } from '../check.ts';
import { pemBlocks } from '../probes/handshakes.ts';
import { meshCertificates } from '../probes/mesh.ts';

const params = z.strictObject({
  is: z
    .string()
    .regex(/^issuer-\d+$/)
    .optional()
    .describe('The issuer that the Secret must hold, by its number in order of appearance; any, when absent.'),
  signedBy: z
    .string()
    .regex(/^anchor-\d+$/)
    .optional()
    .describe('The trust anchor that must have signed it.'),
});

/** What the issuer Secret of the mesh holds, and whether it chains to an anchor of the bundle. */
export const issuer = defineCheck<z.infer<typeof params>>({
  name: 'issuer',
  summary: 'Which issuer certificate the mesh’s Secret holds, and which trust anchor signed it.',
  params,
  triggers: () => [
    { group: '', version: 'v1', resource: 'secrets', namespace: 'linkerd' },
    { group: '', version: 'v1', resource: 'configmaps', namespace: 'linkerd' },
  ],
  async run({ is, signedBy }, { client, clock, names }) {
    const at = clock.now();
    const { bundle, anchorsPem, issuerPem } = await meshCertificates(client, names, at);
    if (!bundle.issuer || !issuerPem) {
      return failed('The Secret linkerd-identity-issuer holds no readable certificate.', [bundle], ['no issuer']);
    }
    const label = bundle.issuer.label!;
    const saw = [label.replace(' ', '-')];
    const chain = pemBlocks(issuerPem);
    const result = verifyChain({ chain, anchors: pemBlocks(anchorsPem), at, anchorDates: 'check', usage: 'any' });
    if (!result.ok) saw.push('not signed by an anchor');
    if (is && numberOf(label) < numberOf(is)) return failed(`The Secret still holds ${label}.`, [bundle], saw);
    if (!result.ok)
      return failed(
        `The Secret holds ${label}, which no trust anchor of the cluster vouches for: ${result.message}.`,
        [bundle],
        saw,
      );
    // Anchors may share a name; the one whose key verified it is meant.
    const root = names.name('anchor', describeCertificate(result.path.at(-1)!));
    if (signedBy && root.label !== signedBy.replace('-', ' ')) {
      return failed(`The Secret holds ${label}, signed by ${root.label}.`, [bundle], saw);
    }
    const days = Math.round((bundle.issuer.notAfter - at) / 86_400_000);
    return passed(`The Secret holds ${label}, signed by ${root.label}, good for ${days} days.`, [bundle], saw);
  },
});

const numberOf = (label: string): number => Number(/\d+/.exec(label)?.[0] ?? 0);
