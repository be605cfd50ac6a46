import { once } from 'node:events';
import http from 'node:http';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createPair } from '../../src/kube/network/connection.ts';
import type { Connection, NetNs } from '../../src/kube/network/network.ts';
import { createCertificate } from '../../src/pki/certificate.ts';
import { generateKeyPair } from '../../src/pki/keys.ts';
import { Certified } from '../contract/rotation/certified.ts';
import { anchor, issuerUnder, type PodWorld, START, serve, World } from '../unit/mesh-proxy/world.ts';
import type { Figure } from './figure.ts';

const HANDSHAKES = 1000;
const REQUESTS = 10_000;
const AT_ONCE = 16;
const ROUNDS = 3;
const PODS = 200;
const HOUR = 3_600_000;
const HOURS = 365 * 24;

/** What the mesh costs beside the same without it, in one process, and a year of its certificates. */
export async function measure(): Promise<Figure[]> {
  // Nothing else does: connections in memory and timers of the clock don't.
  const alive = setInterval(() => {}, 1000);
  const world = new World();
  const root = await anchor();
  world.startIdentity(root, await issuerUnder(root));
  const web = world.pod('web');
  const api = world.pod('api');
  await certified([web, api]);
  const figures = [...(await handshakes(world, web, api)), ...(await requests(world, web, api)), await memory(world)];
  world.stop();
  figures.push(...(await year()));
  clearInterval(alive);
  return figures;
}

async function certified(pods: PodWorld[]): Promise<void> {
  while (!pods.every(({ log }) => log.some((line) => line.includes('Certified'))))
    await new Promise((resolve) => setTimeout(resolve, 10));
}

/** The better of several rounds of each, taken in turn: the machine has other work too. */
async function compared(what: string, share: number, meshed: () => Promise<number>, bare: () => Promise<number>) {
  let [best, other] = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    best = Math.max(best, await meshed());
    other = Math.max(other, await bare());
  }
  return [
    { what: `${what}, through two proxies`, value: best, unit: '/s', bar: other * share, sense: 'least' as const },
    { what: `${what}, bare`, value: other, unit: '/s' },
  ];
}

/** How many times a second `once` can be done. */
async function rate(times: number, atOnce: number, work: (worker: number) => Promise<void>): Promise<number> {
  const began = performance.now();
  let left = times;
  const worker = async (_: unknown, index: number) => {
    while (left-- > 0) await work(index);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return (times / (performance.now() - began)) * 1000;
}

/** A connection, one byte there and back. */
async function pinged(connection: Duplex): Promise<void> {
  connection.write('x');
  await once(connection, 'data');
  connection.destroy();
}

async function handshakes(world: World, web: PodWorld, api: PodWorld): Promise<Figure[]> {
  const authority = `${api.net.ip}:3306`;
  world.targets.set(authority, { authority, protocol: 'opaque' });
  const labels = {};
  const endpoint = { ip: api.net.ip, port: 3306, identity: api.name, opaque: true, h2: true, inboundPort: 4143 };
  world.endpoints.set(authority, [{ ...endpoint, weight: 1, labels }]);
  api.net.listen(3306, (connection) => connection.on('error', () => {}).pipe(connection));
  const meshed = async () => pinged(await web.net.dial(api.net.ip, 3306, { uid: 0 }));
  await meshed();

  const root = await anchor();
  const [server, client] = [await leafUnder(root, 'api'), await leafUnder(root, 'web')];
  const ca = [root.certificate];
  const accept = { ...server, ca, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' as const };
  const serverContext = tls.createSecureContext(accept);
  const clientContext = tls.createSecureContext({ ...client, ca, minVersion: 'TLSv1.3' });
  // The certificates are dated in the clock of the world; the peers check them at the wall's.
  const bare = async () => {
    const ends = pair();
    const accepted = new tls.TLSSocket(ends.server, { ...accept, secureContext: serverContext, isServer: true });
    accepted.on('error', () => {}).pipe(accepted);
    const options = { secureContext: clientContext, rejectUnauthorized: false, servername: 'api' };
    await pinged(tls.connect({ socket: ends.client, ...options }));
  };
  await bare();
  return compared(
    'full mutual TLS handshakes',
    1 / 2,
    () => rate(HANDSHAKES, 4, meshed),
    () => rate(HANDSHAKES, 4, bare),
  );
}

async function leafUnder(signer: { certificate: string; privateKey: string }, name: string) {
  const { publicKey, privateKey } = await generateKeyPair();
  const [notBefore, notAfter] = [START - HOUR, START + 24 * HOUR];
  const made = { subject: `CN=${name}`, dnsNames: [name], publicKey, signer, notBefore, notAfter };
  return { cert: createCertificate(made), key: privateKey };
}

const pair = () => {
  const [client, server] = [
    { address: '10.0.0.1', port: 40_000 },
    { address: '10.0.0.2', port: 8080 },
  ];
  return createPair({ client, server, originalDst: server });
};

async function requests(world: World, web: PodWorld, api: PodWorld): Promise<Figure[]> {
  const handler: http.RequestListener = (_request, response) => response.end('ok');
  serve(api.net, 8080, handler);
  world.meshed(api, 8080);
  const server = http.createServer(handler);
  const direct = async (): Promise<Connection> => {
    const ends = pair();
    server.emit('connection', ends.server);
    return ends.client;
  };
  const through = (net: NetNs) => () => net.dial(api.net.ip, 8080, { uid: 0 });
  return compared(
    'HTTP/1 requests, keep-alive',
    1 / 4,
    () => requestsThrough(through(web.net)),
    () => requestsThrough(direct),
  );
}

async function requestsThrough(dial: () => Promise<Connection>): Promise<number> {
  const connections = await Promise.all(Array.from({ length: AT_ONCE }, dial));
  const agents = connections.map((connection) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    agent.createConnection = () => connection as never;
    return agent;
  });
  const measured = await rate(REQUESTS, AT_ONCE, (worker) => get(agents[worker]!));
  for (const agent of agents) agent.destroy();
  return measured;
}

function get(agent: http.Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    http
      .get({ agent, host: 'api', path: '/' }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`HTTP ${response.statusCode}`));
        response.resume().on('end', resolve);
      })
      .on('error', reject);
  });
}

/** What a proxy takes that has its certificate and waits. */
async function memory(world: World): Promise<Figure> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = async () => {
    for (let i = 0; i < 3; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / 1024 / 1024;
  };
  const before = await used();
  const pods = Array.from({ length: PODS }, (_, i) => world.pod(`pod-${i}`));
  await certified(pods);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return { what: 'memory of a meshed pod', value: ((await used()) - before) / PODS, unit: 'MiB', bar: 0.3 };
}

async function year(): Promise<Figure[]> {
  const what = "a year of a day's certificates for 20 pods";
  const steps = async (name: string, count: number, stepMs: number): Promise<Figure[]> => {
    const mesh = await Certified.open(20);
    const wrong = new Set<string>();
    const used = process.cpuUsage();
    const began = performance.now();
    for (let step = 0; step < count; step++) {
      await mesh.cluster.advanceClock(stepMs);
      for (const fault of mesh.overdue()) wrong.add(fault);
    }
    const took = performance.now() - began;
    const { user, system } = process.cpuUsage(used);
    for (const fault of mesh.faults()) wrong.add(fault);
    await mesh.close();
    return [
      { what: `${what}, ${name}`, value: took / 1000, unit: 's', bar: 10 },
      { what: '  of which this process was running', value: (user + system) / 1e6, unit: 's' },
      { what: '  renewals that were not in time', value: wrong.size, unit: '', bar: 0.5 },
    ];
  };
  return [...(await steps('in one step', 1, HOURS * HOUR)), ...(await steps('in hourly steps', HOURS, HOUR))];
}
