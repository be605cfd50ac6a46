import type { CertificatesView } from '#schema/evidence.ts';

type Lane = CertificatesView['lanes'][number];

export interface Bar {
  x: number;
  width: number;
  issuer: string;
  failure: string | undefined;
  /** The pod that presented it, where it is not the lane's own but one that the lane's pod replaced. */
  replaced: string | undefined;
}

export interface LaneGeometry {
  /** The newest pod of the lane. */
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
const SHORTEST_MS = 20_000;
const FUTURE_SHARE = 0.16;
/** Room for a time under the axis, px. */
const TICK_WIDTH = 76;
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
  return {
    from,
    now,
    nowX,
    x,
    lanes: succession(view.lanes)
      .slice(0, MOST_LANES)
      .map((pods) => geometry(pods, now, x)),
    ticks: ticks(from, now, Math.max(2, Math.floor((nowX - left) / TICK_WIDTH)))
      .map((at) => ({ at, x: x(at) }))
      .filter((tick) => tick.x < nowX - TICK_WIDTH / 2),
  };
}

/** The control plane's own pods come after the learner's. */
export const isControlPlane = ({ namespace }: { namespace: string }): boolean => namespace === 'linkerd';

const isLive = (lane: Lane): boolean => lane.segments.at(-1)?.until === undefined;

/** A rolling restart runs the old pod and the new one together for at most this long. */
const TOGETHER_MS = 120_000;

/**
 * Pods that replaced one another, oldest first, one list a lane: a lane stands for a place in a workload, and shows how
 * the certificate in that place changed. Lanes whose last pod runs come first, the control plane's after the learner's.
 */
export function succession(lanes: readonly Lane[]): Lane[][] {
  const rows: Lane[][] = [];
  const newestFirst = [...lanes].sort(
    (a, b) =>
      Number(isLive(b)) - Number(isLive(a)) || (b.segments.at(-1)?.until ?? 0) - (a.segments.at(-1)?.until ?? 0),
  );
  for (const lane of newestFirst) {
    const until = lane.segments.at(-1)?.until;
    const row =
      until === undefined
        ? undefined
        : rows.find(([oldest]) => {
            if (oldest?.namespace !== lane.namespace || oldest.workload !== lane.workload) return false;
            const from = oldest.segments[0]?.from ?? 0;
            return from > (lane.segments[0]?.from ?? 0) && until - from < TOGETHER_MS;
          });
    if (row) row.unshift(lane);
    else rows.push([lane]);
  }
  const last = (row: Lane[]) => row.at(-1)!;
  return rows.sort(
    (a, b) =>
      Number(isLive(last(b))) - Number(isLive(last(a))) ||
      Number(isControlPlane(last(a))) - Number(isControlPlane(last(b))) ||
      `${last(a).namespace}/${last(a).workload}`.localeCompare(`${last(b).namespace}/${last(b).workload}`),
  );
}

function geometry(pods: readonly Lane[], now: number, x: (at: number) => number): LaneGeometry {
  const lane = pods.at(-1)!;
  const segments = pods.flatMap((pod) => pod.segments.map((segment) => ({ ...segment, pod: pod.pod })));
  const bars = segments.map((segment, at) => {
    // Where two pods ran together, the newer one is shown.
    const until = Math.min(segment.until ?? now, segments[at + 1]?.from ?? now);
    const start = x(segment.from);
    return {
      x: start,
      width: Math.max(2, x(until) - start - (until < now ? 2 : 0)),
      issuer: segment.issuer,
      failure: segment.failure,
      replaced: segment.pod === lane.pod ? undefined : segment.pod,
    };
  });
  const newest = lane.segments.at(-1);
  const due = newest?.until === undefined ? newest?.renewsAt : undefined;
  const next =
    newest && due !== undefined && due > now
      ? { x: x(now), width: x(due) - x(now), at: due, issuer: newest.issuer }
      : undefined;
  return { lane, bars, live: isLive(lane), next };
}

/** Round instants between two, `most` of them. */
function ticks(from: number, to: number, most: number): number[] {
  const step = STEPS_MS.find((ms) => (to - from) / ms <= Math.min(6, most)) ?? STEPS_MS.at(-1)!;
  const out: number[] = [];
  for (let at = Math.ceil(from / step) * step; at < to; at += step) out.push(at);
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
