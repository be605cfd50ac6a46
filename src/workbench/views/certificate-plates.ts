import type { CertificateInfo, CertificatesView, Handshake } from '#schema/evidence.ts';
import { type Child, el } from '../element.ts';
import { duration, instant } from '../words.ts';
import { segmentIssuer } from './certificate-sentences.ts';
import { anchorSigner, issuerSigner, lifeUsed, type Signer } from './issuer-colours.ts';

/** What a pod presents: its leaf, or why there is none. */
export function leafPlate(view: CertificatesView, pod: Handshake): Child {
  const [leaf] = pod.chain;
  if (!leaf) {
    return el(
      'div',
      { class: 'plate', style: '--c: var(--failed)' },
      el('b', null, `✕ ${pod.pod}`),
      el('small', null, pod.failure ?? 'No handshake took place.'),
    );
  }
  const issuer = segmentIssuer(view, pod.pod);
  const signer =
    issuer === undefined ? { name: 'an unknown issuer', colour: 'var(--waiting)' } : issuerSigner(view, issuer);
  const renewsAt = view.lanes.find((lane) => lane.pod === pod.pod)?.segments.at(-1)?.renewsAt;
  const how = pod.failure ? `✕ ${pod.failure}` : `signed by ${signer.name} ✓`;
  const next = renewsAt === undefined ? undefined : `renews in ${duration(Math.max(0, renewsAt - view.at))}`;
  return plate({ ...signer, name: pod.identity || leaf.subject }, 'Leaf', leaf, view.at, how, next);
}

/** One certificate: who it is, how much of its life is used, and what comes next. */
export function plate(
  signer: Signer,
  role: string,
  certificate: CertificateInfo,
  now: number,
  how: string,
  next?: string,
): HTMLElement {
  const used = Math.round(lifeUsed(certificate, now) * 100);
  const left = certificate.notAfter - now;
  const leaf = role === 'Leaf';
  return el(
    'div',
    { class: 'plate', style: `--c: ${signer.colour}` },
    el('b', null, leaf ? 'Leaf' : `${signer.name[0]!.toUpperCase()}${signer.name.slice(1)}`),
    ' ',
    el('span', { class: 'role' }, leaf ? '' : role),
    el('code', { title: leaf ? signer.name : certificate.subject }, leaf ? signer.name : certificate.subject),
    el(
      'div',
      { class: 'life', role: 'img', 'aria-label': `${used} percent of its life used` },
      el('i', { style: `width: ${Math.max(1, used)}%` }),
    ),
    el(
      'small',
      { class: 'num' },
      el('span', null, how),
      el(
        'span',
        { title: `ends ${instant(certificate.notAfter, now)}` },
        next ?? (left > 0 ? `${duration(left)} left` : `ended ${duration(left)} ago`),
      ),
    ),
  );
}

/** Which anchor of the bundle an issuer names as its own, by subject. */
export function signedBy(view: CertificatesView, issuer: CertificateInfo): string {
  const anchors = view.bundle.anchors.filter((anchor) => anchor.subject === issuer.issuer);
  if (anchors.length === 0) return '✕ not of an anchor in the bundle';
  return `issued under ${anchors.map((anchor) => anchorSigner(view, anchor.fingerprint).name).join(' or ')}`;
}
