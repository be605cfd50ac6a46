import type { CertificateInfo } from '#schema/evidence.ts';

type Kind = 'anchor' | 'issuer';

/**
 * Gives every trust anchor and issuer a number in the order in which it was first seen, and keeps it: "issuer 2" means
 * the same certificate in a sentence, a view and a check's parameter (`issuer-2`) for as long as the session lives.
 */
export class CertificateNames {
  readonly #seen: Record<Kind, CertificateInfo[]> = { anchor: [], issuer: [] };

  constructor(saved?: { anchor: CertificateInfo[]; issuer: CertificateInfo[] }) {
    if (saved) this.#seen = { anchor: [...saved.anchor], issuer: [...saved.issuer] };
  }

  /** The certificate with its label; remembered when new. */
  name(kind: Kind, certificate: CertificateInfo): CertificateInfo {
    const list = this.#seen[kind];
    let index = list.findIndex((known) => known.fingerprint === certificate.fingerprint);
    if (index < 0) index = list.push({ ...certificate, label: `${kind} ${list.length + 1}` }) - 1;
    return list[index]!;
  }

  /** `issuer 2` for a fingerprint, or undefined when it was never seen. */
  label(kind: Kind, fingerprint: string): string | undefined {
    return this.#seen[kind].find((known) => known.fingerprint === fingerprint)?.label;
  }

  /** The certificate that a parameter such as `issuer-2` means. */
  byReference(reference: string): CertificateInfo | undefined {
    const [kind] = reference.split('-');
    if (kind !== 'anchor' && kind !== 'issuer') return undefined;
    return this.#seen[kind].find((known) => known.label === reference.replace('-', ' '));
  }

  all(kind: Kind): CertificateInfo[] {
    return [...this.#seen[kind]];
  }

  save(): { anchor: CertificateInfo[]; issuer: CertificateInfo[] } {
    return { anchor: this.all('anchor'), issuer: this.all('issuer') };
  }
}
