import type { CertificatesView } from '#schema/evidence.ts';
import { el, replace } from '../element.ts';
import type { LabStore } from '../lab-store.ts';
import { timeOfDay } from '../words.ts';
import { leafPlate, plate, signedBy } from './certificate-plates.ts';
import { certificateSentences, certificatesSummary } from './certificate-sentences.ts';
import { drawCertificates } from './certificates-picture.ts';
import { anchorSigner, issuerSigner } from './issuer-colours.ts';
import { isControlPlane } from './timeline.ts';

/** Which issuer signed each pod's certificate, over time, and what happens next. */
export class CertificatesPanel {
  readonly element = el('div', { class: 'wb-view certificates' });
  readonly #store: LabStore;
  readonly #summary = el('p', { class: 'lede' });
  readonly #picture = el('div', { class: 'picture' });
  readonly #failures = el('ul', { class: 'failures' });
  readonly #plates = el('div', { class: 'plates' });
  readonly #pick = el('select', { 'aria-label': 'Pod whose leaf is shown' });
  readonly #removable = el('ul', { class: 'removable' });
  readonly #text = el('ul');
  readonly #body: HTMLElement;
  readonly #none = el('p', { class: 'wb-empty' }, 'Waiting for the first handshakes …');
  #pod = '';

  constructor(store: LabStore) {
    this.#store = store;
    this.#pick.addEventListener('change', () => {
      this.#pod = this.#pick.value;
      this.draw();
    });
    this.#body = el(
      'div',
      { hidden: true },
      el('h3', null, 'Which issuer signed each pod’s certificate'),
      this.#summary,
      this.#picture,
      this.#failures,
      el('label', { class: 'pick' }, 'Leaf of ', this.#pick),
      this.#plates,
      this.#removable,
      el('details', { class: 'as-text' }, el('summary', null, 'As text'), this.#text),
    );
    this.element.append(this.#none, this.#body);
    new ResizeObserver(() => this.#drawPicture()).observe(this.#picture);
  }

  get note(): string | undefined {
    const issuers = this.#store.views.certificates?.issuers.length ?? 0;
    return issuers > 1 ? `${issuers} issuers` : undefined;
  }

  draw(): void {
    const view = this.#store.views.certificates;
    this.#none.hidden = view !== undefined;
    this.#body.hidden = view === undefined;
    if (!view) return;
    this.#summary.textContent = `${certificatesSummary(view)} Read from a TLS handshake with each proxy, ${timeOfDay(view.at)} UTC.`;
    this.#drawPicture();
    replace(
      this.#failures,
      view.pods
        .filter((pod) => pod.failure)
        .map((pod) => el('li', null, el('b', null, `✕ ${pod.namespace}/${pod.pod}`), ` ${pod.failure}`)),
    );
    this.#drawPlates(view);
    replace(
      this.#removable,
      view.removable.map(({ anchor, safe, because }) => {
        const { name } = anchorSigner(view, anchor);
        const verdict = safe ? '✓ Safe to remove' : '✕ Not safe to remove';
        return el('li', { 'data-safe': safe ? 'yes' : 'no' }, el('b', null, `${verdict} ${name}.`), ` ${because}`);
      }),
    );
    replace(
      this.#text,
      certificateSentences(view).map((line) => el('li', null, line)),
    );
  }

  #drawPicture(): void {
    const view = this.#store.views.certificates;
    const width = Math.floor(this.#picture.clientWidth);
    if (view && width >= 120) replace(this.#picture, drawCertificates(view, width));
  }

  #drawPlates(view: CertificatesView): void {
    const shown = [...view.pods].sort((a, b) => Number(isControlPlane(a)) - Number(isControlPlane(b)));
    const pods = shown.map((pod) => pod.pod);
    if (!pods.includes(this.#pod)) this.#pod = pods[0] ?? '';
    const options = JSON.stringify(pods);
    if (this.#pick.dataset['options'] !== options) {
      this.#pick.dataset['options'] = options;
      replace(
        this.#pick,
        shown.map((pod) => el('option', { value: pod.pod }, `${pod.namespace}/${pod.pod}`)),
      );
    }
    this.#pick.value = this.#pod;
    const pod = view.pods.find((other) => other.pod === this.#pod);
    replace(
      this.#plates,
      view.bundle.anchors.map((anchor) =>
        plate(
          anchorSigner(view, anchor.fingerprint),
          'Trust anchor',
          anchor,
          view.at,
          'self-signed, trusted by the cluster',
        ),
      ),
      view.bundle.issuer &&
        plate(
          issuerSigner(view, view.bundle.issuer.fingerprint),
          'Issuer in use',
          view.bundle.issuer,
          view.at,
          signedBy(view, view.bundle.issuer),
        ),
      pod && leafPlate(view, pod),
    );
  }
}
