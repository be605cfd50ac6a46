import type { CertificatesView, Handshake } from '#schema/evidence.ts';

/** An anchor can go when no pod presents a chain that ends in it and every pod trusts another one. */
export function removable(
  fingerprint: string,
  label: string,
  pods: Handshake[],
  anchors: number,
): CertificatesView['removable'][number] {
  if (anchors < 2) return { anchor: fingerprint, safe: false, because: `${label} is the only trust anchor` };
  const uses = pods.find((pod) => pod.anchor === fingerprint);
  if (uses)
    return {
      anchor: fingerprint,
      safe: false,
      because: `not yet, ${uses.pod} still presents a certificate that ends in ${label}`,
    };
  const trustsOnlyThis = pods.find((pod) => pod.bundle.every((anchor) => anchor === fingerprint));
  if (trustsOnlyThis)
    return { anchor: fingerprint, safe: false, because: `not yet, ${trustsOnlyThis.pod} trusts nothing else` };
  const dead = pods.find((pod) => pod.failure);
  if (dead)
    return { anchor: fingerprint, safe: false, because: `not yet, ${dead.pod} could not be judged: ${dead.failure}` };
  return {
    anchor: fingerprint,
    safe: true,
    because: `no pod presents a certificate that ends in ${label}, and all trust another anchor`,
  };
}
