import type { CertificatesView } from '#schema/evidence.ts';

type Lane = CertificatesView['lanes'][number];

export interface Bar {
  x: number;
  width: number;
  issuer: string;
  failure: string | undefined;
}

export interface LaneGeometry {
  lane: Lane;
  bars: Bar[];
  live: boolean;
  /** The faded part after now, to the next renewal. */
  next: { x: number; width: number; at: number; issuer: string } | undefined;
}

export interface Timeline {
  from: number;
  now: number;
  /** Where the present is. */
  nowX: number;
  lanes: LaneGeometry[];
  /** Instants with a round time, for the grid. */
  ticks: { at: number; x: number }[];
  x(at: number): number;
}

/** Time shown at least, so that a cluster of a few seconds' age does not fill the picture. */
const SHORTEST_MS = 60_000;
const FUTURE_SHARE = 0.16;
const MOST_LANES = 16;
const STEPS_MS = [
  10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 10_800_000, 21_600_000, 43_200_000,
  86_400_000, 604_800_000, 2_592_000_000,
];

/**
 * Where everything of the certificates' timeline stands. The past is to scale between `left` and the present; what is
 * due lies to the right of it on a logarithm, because renewals are hours away while labs are minutes long.
 */
export function layOut(view: CertificatesView, left: number, right: number): Timeline {
  const now = view.at;
  const starts = view.lanes.flatMap((lane) => lane.segments.map((segment) => segment.from));
  const from = Math.min(now - SHORTEST_MS, ...starts);
  const dues = view.lanes.flatMap((lane) => {
    const last = lane.segments.at(-1);
    return last && last.until === undefined && last.renewsAt !== undefined ? [last.renewsAt] : [];
  });
  const furthest = Math.max(0, ...dues.map((due) => due - now));
  const nowX = right - (right - left) * (dues.length > 0 ? FUTURE_SHARE : 0.02);
  const x = (at: number): number => {
    if (at <= now) return left + ((at - from) / (now - from)) * (nowX - left);
    if (furthest <= 0) return nowX;
    const share = Math.log1p((at - now) / 60_000) / Math.log1p(furthest / 60_000);
    return nowX + Math.min(1, share) * (right - nowX - 10);
  };
  const ordered = [...view.lanes].sort(
    (a, b) => Number(isLive(b)) - Number(isLive(a)) || Number(isControlPlane(a)) - Number(isControlPlane(b)),
  );
  return {
    from,
    now,
    nowX,
    x,
    lanes: ordered.slice(0, MOST_LANES).map((lane) => geometry(lane, now, x)),
    ticks: ticks(from, now).map((at) => ({ at, x: x(at) })),
  };
}

/** The control plane's own pods come after the learner's. */
export const isControlPlane = ({ namespace }: { namespace: string }): boolean => namespace === 'linkerd';

const isLive = (lane: Lane): boolean => lane.segments.at(-1)?.until === undefined;

function geometry(lane: Lane, now: number, x: (at: number) => number): LaneGeometry {
  const bars = lane.segments.map((segment) => {
    const start = x(segment.from);
    return {
      x: start,
      width: Math.max(2, x(segment.until ?? now) - start - (segment.until === undefined ? 0 : 2)),
      issuer: segment.issuer,
      failure: segment.failure,
    };
  });
  const last = lane.segments.at(-1);
  const due = last?.until === undefined ? last?.renewsAt : undefined;
  const next =
    last && due !== undefined && due > now
      ? { x: x(now), width: x(due) - x(now), at: due, issuer: last.issuer }
      : undefined;
  return { lane, bars, live: isLive(lane), next };
}

/** Three to six round instants between two. */
function ticks(from: number, to: number): number[] {
  const step = STEPS_MS.find((ms) => (to - from) / ms <= 6) ?? STEPS_MS.at(-1)!;
  const out: number[] = [];
  for (let at = Math.ceil(from / step) * step; at < to - step * 0.3; at += step) out.push(at);
  return out;
}

export interface Label {
  x: number;
  text: string;
  width: number;
}

/** Puts labels into as few rows as they need to not overlap; what finds no room in `rows` rows is left out. */
export function stack<L extends Label>(labels: readonly L[], rows: number, gap = 10): { label: L; row: number }[] {
  const ends: number[] = [];
  const placed: { label: L; row: number }[] = [];
  for (const label of [...labels].sort((a, b) => a.x - b.x)) {
    for (let row = 0; row < rows; row++) {
      if ((ends[row] ?? Number.NEGATIVE_INFINITY) + gap > label.x) continue;
      ends[row] = label.x + label.width;
      placed.push({ label, row });
      break;
    }
  }
  return placed;
}
