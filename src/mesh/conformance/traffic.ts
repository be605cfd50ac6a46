import type { CaseFile, ConformanceCase } from './case-file.ts';
import { clientPod, manifest, webPod, webService } from './manifests.ts';
import type { Room } from './room.ts';
import { filledIn, setupOf } from './setup.ts';
import { NotRunnable, type Observation, settled } from './verdict.ts';

// biome-ignore lint/suspicious/noExplicitAny: cases hold plain JSON.
type Json = any;

export interface Client {
  pod: string;
  mesh: boolean;
  account: string;
  /** Whether its address is in the case's networks. */
  blessed: boolean;
}

/** Who sends a case's requests; undefined for cases without traffic. */
export function clientOf(of: ConformanceCase, file: CaseFile): Client | undefined {
  const named = typeof of.client === 'string' ? of.client : '';
  if (named === 'none') return undefined;
  const spec: Json = typeof of.client === 'string' ? (file.clients[of.client] ?? {}) : of.client;
  const mesh = spec.mesh === true || (spec.mesh === undefined && named.startsWith('meshed'));
  const blessed = named.includes('blessed') || /^inside/.test(spec.ip ?? '');
  const account: string = spec.serviceAccount ?? (named === 'meshed-other-sa' ? 'other' : 'curl');
  return { pod: `${account}-${mesh ? 'meshed' : 'plain'}${blessed ? '-listed' : ''}`, mesh, account, blessed };
}

/** Cases with the same objects can be played one after another in one room. */
export const roomKey = (of: ConformanceCase): string => JSON.stringify(of.objects);

/** Makes the clients of all cases of a room, then its objects. */
export async function prepare(room: Room, cases: ConformanceCase[], file: CaseFile): Promise<void> {
  const [first] = cases;
  const setup = setupOf(first!, file);
  if (Object.keys(setup.namespaceAnnotations).length > 0) {
    await room.merge('v1', 'Namespace', room.namespace, { metadata: { annotations: setup.namespaceAnnotations } });
  }
  const clients = new Map(cases.flatMap((each) => clientOf(each, file) ?? []).map((each) => [each.pod, each]));
  const accounts = new Set([...clients.values()].map(({ account }) => account));
  for (const account of accounts) await room.apply(manifest('ServiceAccount', account, undefined));
  for (const each of clients.values()) {
    await room.apply(clientPod(each.pod, { mesh: each.mesh, serviceAccount: each.account }));
  }
  const blessed: string[] = [];
  for (const each of clients.values()) {
    const ready = await room.ready(each.pod);
    if (each.blessed) blessed.push(ready.status.podIP);
  }
  // Some networks must be named even where no listed client is asked.
  const facts = { namespace: room.namespace, blessed: blessed.length > 0 ? blessed : ['10.255.255.254'] };
  for (const step of setup.steps) {
    if ('apply' in step) {
      await room.apply(filledIn(step.apply, facts));
      if (step.apply.kind === 'Pod') await room.ready(step.apply.metadata.name!);
    } else if ('merge' in step) {
      const { kind, name, patch } = step.merge;
      const applied = setup.steps.find((each) => 'apply' in each && each.apply.kind === kind);
      const apiVersion = applied && 'apply' in applied ? applied.apply.apiVersion : 'v1';
      await room.merge(apiVersion, kind, name, filledIn(patch, facts));
    } else {
      const { name = '' } = step.recreate.metadata;
      await room.remove('v1', 'Pod', name);
      await room.apply(step.recreate);
      await room.ready(name);
    }
  }
}

/** What curl saw. `status` is 000 without an answer. */
export interface Seen {
  status: number;
  exit: number;
  headers: string;
  body: string;
}

const MARK = '\n--status--';

/** One request by curl in a pod. */
export async function curl(room: Room, pod: string, args: string[]): Promise<Seen> {
  const { code, stdout } = await room.exec(pod, 'curl', [
    'curl',
    '-s',
    '-i',
    '-m',
    '20',
    '-w',
    `${MARK}%{http_code}`,
    ...args,
  ]);
  const [text = '', status = '0'] = stdout.split(MARK);
  const end = text.search(/\r?\n\r?\n/);
  return {
    status: Number(status),
    exit: code,
    headers: (end < 0 ? text : text.slice(0, end)).toLowerCase(),
    body: end < 0 ? '' : text.slice(end).trim(),
  };
}

const CLASSES: Record<string, (status: number) => boolean> = {
  '2xx': (status) => status >= 200 && status < 300,
};

/** Whether what was seen is what a case expects. curl is asked without `-f`; its exit 22 is the status's. */
export function agrees(expect: ConformanceCase['expect'], seen: Seen): boolean {
  const { outcome, httpStatus, httpClass, httpStatusIn, curlExit, grpcStatus, headerPresent, headerAbsent } =
    expect as Json;
  const exit = seen.exit === 0 && seen.status >= 400 ? 22 : seen.exit;
  if (typeof httpStatus === 'number' && seen.status !== httpStatus) return false;
  if (httpClass && !CLASSES[httpClass]?.(seen.status)) return false;
  if (Array.isArray(httpStatusIn) && !httpStatusIn.includes(seen.status)) return false;
  if (curlExit === 'non-zero' ? exit === 0 : typeof curlExit === 'number' && exit !== curlExit) return false;
  if (grpcStatus !== undefined && !new RegExp(`grpc-status: ${grpcStatus}\\b`).test(seen.headers)) return false;
  if (headerPresent && !seen.headers.includes(`${headerPresent}:`)) return false;
  if (headerAbsent && seen.headers.includes(`${headerAbsent}:`)) return false;
  switch (outcome) {
    case 'allow':
      return httpStatus !== undefined || (seen.status >= 200 && seen.status < 400);
    case 'deny-http-403':
      return seen.status === 403;
    case 'deny-grpc-7':
      return seen.status === 200 && /grpc-status: 7\b/.test(seen.headers);
    case 'deny-tcp':
      return seen.status === 0 && exit !== 0;
    case 'not-found-404':
      return grpcStatus === undefined ? seen.status === 404 : seen.status === 200;
    case 'error-500':
      return seen.status === 500;
    case 'unavailable-503-or-504':
      return seen.status === 503 || seen.status === 504;
    case 'rate-limited-429':
      return seen.status === 429;
    default:
      return false;
  }
}

export const described = (seen: Seen): string => {
  const error = /l5d-proxy-error: .*/.exec(seen.headers)?.[0];
  const grpc = /grpc-status: \d+/.exec(seen.headers)?.[0];
  return [seen.status === 0 ? `no answer (curl exit ${seen.exit})` : `HTTP ${seen.status}`, grpc, error]
    .filter(Boolean)
    .join(', ');
};

/** Policy reaches proxies within this, and a moment more on a busy cluster. */
const SETTLED_MS = 20_000;

/** Plays a case's request in a room that {@link prepare} made. */
export async function play(room: Room, of: ConformanceCase, file: CaseFile): Promise<Observation> {
  const client = clientOf(of, file);
  const request: Json = of.request ?? {};
  if (!client) throw new NotRunnable('it has no client to send a request');
  if (request.rate) return playRate(room, of, client);
  const url: string = request.url ?? 'http://web';
  const args = [
    ...(request.method && request.method !== 'GET' ? ['-X', request.method] : []),
    ...(url.startsWith('https:') ? ['-k'] : []),
    url,
  ];
  let unknownHost = false;
  const came = await settled(
    async () => {
      const seen = await curl(room, client.pod, args);
      unknownHost = seen.exit === UNKNOWN_HOST;
      return { agrees: agrees(of.expect, seen), observed: described(seen) };
    },
    { signal: room.lab.signal, withinMs: SETTLED_MS },
  );
  const { hostname } = new URL(url);
  if (unknownHost && hostname.includes('.'))
    throw new NotRunnable(`the cluster has no network outside: ${hostname} has no address there`);
  return came;
}

/** curl's exit code for a name that has no address. */
const UNKNOWN_HOST = 6;

const TICKS = 10;

/** A machine with other work sends in bursts, which no share can be told from; it gets another chance. */
const RATE_TRIES = 3;

async function playRate(room: Room, of: ConformanceCase, client: Client): Promise<Observation> {
  let seen = await rateOnce(room, of, client);
  for (let tries = 1; !seen.agrees && tries < RATE_TRIES; tries++) seen = await rateOnce(room, of, client);
  return seen;
}

/** A steady rate of requests from a shell in the client; the share of 429 counts. */
async function rateOnce(room: Room, of: ConformanceCase, client: Client): Promise<Observation> {
  const request: Json = of.request;
  const [, perSecond = '20', seconds = '30'] = /(\d+) rps for (\d+) s/.exec(request.rate) ?? [];
  const [low = 0, high = 100]: number[] = (of.expect as Json).share429 ?? [];
  const total = Number(perSecond) * Number(seconds);
  // Ten times a second one curl sends a tenth of them on one connection: a shell has not the breath for more.
  const urls = Array(Math.max(1, Math.round(Number(perSecond) / TICKS)))
    .fill(request.url)
    .join(' ');
  const ticks = Number(seconds) * TICKS;
  const script = `i=0; while [ $i -lt ${ticks} ]; do curl -s -m 10 -w '%{http_code}\\n' ${urls} & i=$((i+1)); sleep ${1 / TICKS}; done; wait`;
  // Warm connections and policy first; then a second for the buckets to fill again.
  await settled(async () => ({ agrees: (await curl(room, client.pod, [request.url])).status === 204, observed: '' }), {
    signal: room.lab.signal,
    withinMs: SETTLED_MS,
    everyMs: 1_100,
  });
  const began = performance.now();
  const { stdout } = await room.exec(client.pod, 'curl', ['sh', '-c', script]);
  const took = (performance.now() - began) / 1_000;
  const codes = stdout.trim().split(/\s+/);
  const limited = codes.filter((code) => code === '429').length;
  const share = (100 * limited) / Math.max(1, codes.length);
  // The share that the case names holds for its exact rate; a slower shell is judged by what it really sent.
  const real = codes.length / took;
  const allowed = (1 - (low + high) / 200) * Number(perSecond);
  const scaled = real < Number(perSecond) * 0.97 ? Math.max(0, 100 * (1 - allowed / real)) : (low + high) / 2;
  return {
    agrees: codes.length >= total * 0.95 && Math.abs(share - scaled) <= (high - low) / 2 + 1,
    observed: `${share.toFixed(1)} % of ${codes.length} requests 429 at ${real.toFixed(1)} a second`,
  };
}

/** A circuit breaker trips: five failures, then five requests that find it open. */
export async function playBreaker(room: Room, of: ConformanceCase): Promise<Observation> {
  const accrual = 'balancer.linkerd.io/failure-accrual';
  await room.apply(manifest('ServiceAccount', 'curl', undefined));
  await room.apply(clientPod('curl', { mesh: true, serviceAccount: 'curl' }));
  await room.apply(webPod({ status: 500 }));
  await room.apply(
    webService([{ port: 80 }], {
      annotations: {
        [accrual]: 'consecutive',
        [`${accrual}-consecutive-max-failures`]: '5',
        [`${accrual}-consecutive-min-penalty`]: '5m',
        [`${accrual}-consecutive-max-penalty`]: '10m',
      },
    }),
  );
  await room.ready('curl');
  await room.ready('web');
  const statuses: number[] = [];
  for (let i = 0; i < 10; i++) statuses.push((await curl(room, 'curl', ['http://web'])).status);
  const [before, after] = [statuses.slice(0, 5), statuses.slice(5)];
  const open = of.expect.outcome === 'unavailable-503-or-504';
  return {
    agrees: open
      ? after.every((status) => status === 503 || status === 504) && before.every((status) => status === 500)
      : before.every((status) => status === 500),
    observed: statuses.join(' '),
  };
}
