import type { CertificatesView } from '#schema/evidence.ts';
import { duration, instant, listed, several } from '../words.ts';
import { anchorSigner, issuerSigner } from './issuer-colours.ts';

/** What the certificates' picture shows, in one sentence. */
export function certificatesSummary(view: CertificatesView): string {
  const byIssuer = new Map<string, string[]>();
  for (const pod of view.pods) {
    const signer = signerOf(view, pod.chain[0] && segmentIssuer(view, pod.pod));
    byIssuer.set(signer, [...(byIssuer.get(signer) ?? []), pod.pod]);
  }
  if (byIssuer.size === 0) return 'No meshed pod was asked for its certificate yet.';
  const parts = [...byIssuer].map(([signer, pods]) => `${several(pods.length, 'pod')} with a certificate of ${signer}`);
  const failing = view.pods.filter((pod) => pod.failure);
  const trouble = failing.length > 0 ? ` ${several(failing.length, 'pod')} can't be verified.` : '';
  return `${listed(parts)}.${trouble}`;
}

/** Everything that the picture shows, as lines of text. */
export function certificateSentences(view: CertificatesView): string[] {
  const now = view.at;
  const lines: string[] = [];
  for (const { pod, namespace, segments } of view.lanes) {
    const spans = segments.map((segment) => {
      const { name } = issuerSigner(view, segment.issuer);
      const end = segment.until === undefined ? 'until now' : `until ${instant(segment.until, now)}`;
      const failure = segment.failure ? `, does not verify: ${segment.failure}` : '';
      return `${name} from ${instant(segment.from, now)} ${end}${failure}`;
    });
    const last = segments.at(-1);
    const due =
      last?.until === undefined && last?.renewsAt !== undefined
        ? `; renews in ${duration(last.renewsAt - now)}, at ${instant(last.renewsAt, now)}`
        : '';
    lines.push(`${namespace}/${pod}: ${spans.join('; ')}${due}.`);
  }
  const anchors = view.bundle.anchors.map((anchor) => anchorSigner(view, anchor.fingerprint).name);
  lines.push(`Trust bundle: ${anchors.length > 0 ? listed(anchors) : 'empty'}.`);
  for (const pod of view.pods) {
    const trusted = pod.bundle.map((fingerprint) => anchorSigner(view, fingerprint).name);
    lines.push(`${pod.namespace}/${pod.pod} trusts ${trusted.length > 0 ? listed(trusted) : 'no anchor'}.`);
  }
  for (const event of view.events) lines.push(`${instant(event.at, now)}: ${event.reason}. ${event.message}`);
  return lines;
}

/** The issuer that signed what a pod presents now, by its fingerprint. */
export function segmentIssuer(view: CertificatesView, pod: string): string | undefined {
  return view.lanes.find((lane) => lane.pod === pod)?.segments.at(-1)?.issuer;
}

function signerOf(view: CertificatesView, fingerprint: string | undefined): string {
  return fingerprint === undefined ? 'no issuer' : issuerSigner(view, fingerprint).name;
}
