import { messageOf } from '#base/errors.ts';
import { nameSuffix } from '#base/ids.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { playAdmission } from './admission.ts';
import { type CaseFile, type ConformanceCase, sourceOf } from './case-file.ts';
import { playInbound, playOutside } from './configured.ts';
import { playOutbound } from './outbound-cases.ts';
import { proxyPlay } from './proxied.ts';
import { Lab, type Room } from './room.ts';
import { playStatus } from './statuses.ts';
import { play, playBreaker, prepare, roomKey } from './traffic.ts';
import { NotRunnable, type Observation, type Verdict } from './verdict.ts';

export interface RunOptions {
  client: KubeClient;
  file: CaseFile;
  /** Ids to run; absent: all. */
  only?: string[];
  signal: AbortSignal;
  /** Namespaces that are played in at the same time. */
  parallel?: number;
  onVerdict?(verdict: Verdict): void;
}

/** Cases that share a namespace, and how they are played in it. */
interface Group {
  cases: ConformanceCase[];
  prepare?(room: Room): Promise<void>;
  play(room: Room, of: ConformanceCase): Promise<Observation>;
}

/** How long one case may take in all, a namespace of its own included. */
const LONGEST_MS = 240_000;

/** Runs the cases of a file against a cluster with the mesh, through its API alone. Verdicts come in the file's order. */
export async function runConformance(options: RunOptions): Promise<Verdict[]> {
  const { client, file, only, signal } = options;
  const cases = file.cases.filter(({ id }) => !only || only.includes(id));
  const lab = new Lab(client, signal, nameSuffix());
  const verdicts = new Map<string, Verdict>();
  const waiting = groups(cases, file);
  const worker = async () => {
    for (let group = waiting.shift(); group; group = waiting.shift()) {
      for (const verdict of await playGroup(lab, group)) {
        verdicts.set(verdict.id, verdict);
        options.onVerdict?.(verdict);
      }
    }
  };
  await Promise.all(Array.from({ length: options.parallel ?? 6 }, worker));
  return cases.map(({ id }) => verdicts.get(id)!);
}

/** Cases with the same objects are played in one namespace, the slow ones first. */
function groups(cases: ConformanceCase[], file: CaseFile): Group[] {
  const shared = new Map<string, Group>();
  const alone: Group[] = [];
  const admission: Group = { cases: [], play: playAdmission };
  for (const of of cases) {
    const { outcome } = of.expect;
    const special = proxyPlay(of);
    if (outcome === 'accept' || outcome === 'reject') admission.cases.push(of);
    else if (outcome === 'status') alone.push({ cases: [of], play: playStatus });
    else if (outcome === 'config' && special) alone.push({ cases: [of], play: special });
    else if (outcome === 'config') alone.push({ cases: [of], play: isOutbound(of) ? playOutbound : playInbound });
    else if (/consecutive_failures$/.test(sourceOf(of))) alone.push({ cases: [of], play: playBreaker });
    else if (special) alone.push({ cases: [of], play: special });
    else if (isOutside(of)) alone.push({ cases: [of], play: playOutside });
    else {
      const key = (of.request as { rate?: string } | null)?.rate ? of.id : roomKey(of);
      const known = shared.get(key);
      if (known) known.cases.push(of);
      else {
        const group: Group = { cases: [of], play: (room, each) => play(room, each, file) };
        group.prepare = (room) => prepare(room, group.cases, file);
        shared.set(key, group);
      }
    }
  }
  const slow = (group: Group): number => ((group.cases[0]?.request as { rate?: string } | null)?.rate ? 0 : 1);
  const all = [...shared.values(), ...alone, ...(admission.cases.length > 0 ? [admission] : [])];
  return all.sort((a, b) => slow(a) - slow(b));
}

const isOutbound = (of: ConformanceCase): boolean => /^outbound_/.test(sourceOf(of));

/** The client has an address that no pod of the cluster can have. */
const isOutside = (of: ConformanceCase): boolean =>
  typeof of.client === 'object' && /^\d+\.\d+\.\d+\.\d+$/.test(String(of.client['ip'] ?? ''));

async function playGroup(lab: Lab, group: Group): Promise<Verdict[]> {
  let room: Room | undefined;
  let broken: unknown;
  const began = performance.now();
  try {
    room = await lab.room();
    await group.prepare?.(room);
  } catch (error) {
    broken = error;
  }
  const out: Verdict[] = [];
  for (const of of group.cases) {
    const started = out.length === 0 ? began : performance.now();
    out.push(verdictOf(of, await outcome(room, group, of, broken), (performance.now() - started) / 1_000));
  }
  await room?.close();
  return out;
}

async function outcome(
  room: Room | undefined,
  group: Group,
  of: ConformanceCase,
  broken: unknown,
): Promise<Observation | Error> {
  if (broken || !room) return broken instanceof Error ? broken : new Error(messageOf(broken));
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('it took too long')), LONGEST_MS);
    });
    return await Promise.race([group.play(room, of), late]);
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error));
  } finally {
    clearTimeout(timer);
  }
}

function verdictOf(of: ConformanceCase, came: Observation | Error, seconds: number): Verdict {
  const { outcome: named, ...rest } = of.expect;
  const details = Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : '';
  const base = { id: of.id, level: of.level, title: of.title, expected: `${named}${details}`, seconds };
  if (came instanceof NotRunnable) return { ...base, result: 'not-run', observed: '', reason: came.message };
  if (came instanceof Error) return { ...base, result: 'differs', observed: '', reason: came.message };
  return { ...base, result: came.agrees ? 'agrees' : 'differs', observed: came.observed };
}
