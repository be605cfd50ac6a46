import type { CertificatesView } from '#schema/evidence.ts';
import { type Child, svg } from '../element.ts';
import { duration, instant, timeOfDay } from '../words.ts';
import { certificatesSummary } from './certificate-sentences.ts';
import { anchorSigner, issuerSigner } from './issuer-colours.ts';
import { type Bar, type LaneGeometry, layOut, stack, type Timeline } from './timeline.ts';

const LANE = 26;
const TOP = 8;
const BAR = 13;
const NAME_WIDTH = 172;
const NARROW_NAME_WIDTH = 110;
/** Of a character in the labels, px. */
const CHARACTER = 6.2;
const LABEL_ROW = 14;
const LABEL_ROWS = 3;

/** The timeline of all lanes, `width` px wide. */
export function drawCertificates(view: CertificatesView, width: number): SVGElement {
  const names = width < 480 ? NARROW_NAME_WIDTH : NAME_WIDTH;
  const line = layOut(view, names, width);
  const bundleY = TOP + line.lanes.length * LANE + 4;
  const bottom = bundleY + 10 + 8 * Math.max(1, view.bundle.anchors.length);
  const events = placeEvents(view, line, names);
  const rows = Math.max(1, ...events.map(({ row }) => row + 1));
  const axisY = bottom + LABEL_ROW + rows * LABEL_ROW;
  const height = axisY + 6;
  const dues = line.lanes.flatMap(({ next }) => next?.at ?? []);
  const due = dues.length > 0 ? `due in ${duration(Math.min(...dues) - line.now)}` : '';
  return svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': certificatesSummary(view) },
    svg('defs', null, hatch()),
    line.ticks.map(({ x, at }) => [
      svg('path', { d: `M${x} ${TOP - 4}V${bottom}`, class: 'grid' }),
      svg('text', { x, y: axisY, 'text-anchor': 'middle', class: 'num' }, tickLabel(at, line)),
    ]),
    events.map(({ label }) =>
      svg(
        'path',
        { d: `M${label.at} ${TOP - 4}V${bottom}`, class: 'event' },
        svg('title', null, `${label.text}: ${label.message}`),
      ),
    ),
    line.lanes.map((lane, index) => drawLane(view, line, lane, TOP + index * LANE, names)),
    svg('text', { class: 'name', x: 0, y: bundleY + 9 }, 'bundle'),
    view.bundle.anchors.map((anchor, n) => {
      const start = Math.max(names, line.x(Math.max(line.from, Math.min(anchor.notBefore, line.now))));
      const { name, colour } = anchorSigner(view, anchor.fingerprint);
      return svg(
        'rect',
        { x: start, y: bundleY + 2 + n * 8, width: Math.max(2, line.nowX - start), height: 6, rx: 2, fill: colour },
        svg('title', null, name),
      );
    }),
    events.map(({ label, row }) =>
      svg('text', { x: label.x, y: bottom + 12 + row * LABEL_ROW, class: 'num' }, label.text),
    ),
    svg('path', { d: `M${line.nowX} ${TOP - 6}V${axisY - 12}`, class: 'now' }),
    svg('text', { x: line.nowX, y: axisY, 'text-anchor': 'middle', class: 'now-label' }, 'now'),
    // Where there is no room for it, the title of the mark and the text below the picture say it.
    due !== '' &&
      width - line.nowX > due.length * CHARACTER - 8 &&
      svg('text', { x: width, y: bottom + 12, 'text-anchor': 'end', class: 'num' }, due),
  );
}

function drawLane(
  view: CertificatesView,
  line: Timeline,
  { lane, bars, live, next }: LaneGeometry,
  y: number,
  names: number,
): SVGElement {
  const trusted = view.pods.find((pod) => pod.pod === lane.pod)?.bundle ?? [];
  return svg(
    'g',
    { class: live ? 'lane' : 'lane gone' },
    svg('title', null, `${lane.namespace}/${lane.pod}`),
    svg('text', { class: 'name', x: 0, y: y + 11 }, fitName(lane.pod, names - 14 - trusted.length * 9)),
    // The anchors this pod trusts, one diamond each, in the anchor's colour.
    trusted.map((fingerprint, n) => {
      const { name, colour } = anchorSigner(view, fingerprint);
      return svg('path', { d: diamond(names - 10 - n * 9, y + 7), fill: colour }, svg('title', null, `trusts ${name}`));
    }),
    bars.map((bar) => drawBar(view, bar, y)),
    next && [
      svg('rect', {
        x: next.x,
        y,
        width: next.width,
        height: BAR,
        fill: issuerSigner(view, next.issuer).colour,
        'fill-opacity': 0.22,
      }),
      svg(
        'path',
        { d: `M${next.x + next.width} ${y - 2}v${BAR + 4}`, class: 'due' },
        svg('title', null, `renews ${instant(next.at, line.now)}`),
      ),
    ],
  );
}

function drawBar(view: CertificatesView, bar: Bar, y: number): Child {
  const signer = issuerSigner(view, bar.issuer);
  const text = bar.failure ? `✕ ${signer.name}` : signer.name;
  const labelled = bar.width > text.length * CHARACTER + 12;
  const box = { x: bar.x, y, width: bar.width, height: BAR, rx: 2 };
  const plain = labelled ? text.length * CHARACTER + 8 : 0;
  return [
    svg(
      'rect',
      { ...box, fill: signer.colour },
      svg('title', null, bar.replaced ? `${signer.name}; pod ${bar.replaced}, since replaced` : signer.name),
    ),
    bar.failure && [
      svg('rect', { ...box, x: bar.x + plain, width: bar.width - plain, fill: 'url(#wb-broken)' }),
      svg('rect', { ...box, fill: 'none', class: 'failed' }, svg('title', null, bar.failure)),
    ],
    labelled && svg('text', { class: 'on-bar', x: bar.x + 6, y: y + 10 }, text),
  ];
}

function placeEvents(view: CertificatesView, line: Timeline, left: number) {
  const shown = view.events.filter((event) => event.at >= line.from && event.at <= line.now);
  return stack(
    shown.map((event) => {
      const text = `${event.reason} ${timeOfDay(event.at)}`;
      const width = text.length * CHARACTER;
      const at = line.x(event.at);
      return { x: Math.max(left, Math.min(at + 4, line.nowX - width - 6)), at, text, width, message: event.message };
    }),
    LABEL_ROWS,
  );
}

/** Stripes over what does not verify: the issuer's colour stays, and no colour is needed to see it. */
function hatch(): SVGElement {
  return svg(
    'pattern',
    { id: 'wb-broken', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    svg('rect', { width: 2, height: 6, fill: 'var(--paper)' }),
  );
}

const HOUR = 3_600_000;

function tickLabel(at: number, line: Timeline): string {
  if (line.now - line.from > 36 * HOUR) return new Date(at).toISOString().slice(5, 10);
  return timeOfDay(at).slice(0, line.now - line.from < HOUR / 6 ? 8 : 5);
}

/** Pod names differ at their end; a long one loses its middle. */
function fitName(name: string, width: number): string {
  const most = Math.max(8, Math.floor(width / 6.9));
  if (name.length <= most) return name;
  const tail = Math.min(6, most - 3);
  return `${name.slice(0, most - tail - 1)}…${name.slice(-tail)}`;
}

const diamond = (x: number, y: number): string => `M${x} ${y - 4}l4 4l-4 4l-4 -4z`;
