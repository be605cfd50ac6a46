import type { CertificateInfo, CertificatesView } from '#schema/evidence.ts';

/** A certificate authority's name and colour. Both come from its place in order of appearance, and so never change. */
export interface Signer {
  name: string;
  colour: string;
}

const ISSUER_COLOURS = 4;

export function issuerSigner(view: CertificatesView, fingerprint: string): Signer {
  const at = view.issuers.findIndex((issuer) => issuer.fingerprint === fingerprint);
  if (at < 0) return { name: 'an unknown issuer', colour: 'var(--waiting)' };
  return {
    name: view.issuers[at]!.label ?? `issuer ${at + 1}`,
    colour: `var(--issuer-${(at % ISSUER_COLOURS) + 1})`,
  };
}

export function anchorSigner(view: CertificatesView, fingerprint: string): Signer {
  const at = view.anchors.findIndex((anchor) => anchor.fingerprint === fingerprint);
  if (at < 0) return { name: 'an unknown anchor', colour: 'var(--waiting)' };
  return {
    name: view.anchors[at]!.label ?? `anchor ${at + 1}`,
    colour: at % 2 === 0 ? 'var(--anchor)' : 'var(--anchor-2)',
  };
}

/** Share of a certificate's life that has passed, 0 to 1. */
export function lifeUsed(certificate: Pick<CertificateInfo, 'notBefore' | 'notAfter'>, now: number): number {
  const life = certificate.notAfter - certificate.notBefore;
  return life <= 0 ? 1 : Math.min(1, Math.max(0, (now - certificate.notBefore) / life));
}
