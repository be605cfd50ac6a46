import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AcademyError } from '#base/errors.ts';
import { secretId } from '#base/ids.ts';
import { Lifecycle } from '#base/lifecycle.ts';
import type { Cluster, DriverName, StepEvent } from '#cluster/driver.ts';
import { clusterNames } from '#schema/cluster-names.ts';
import { clusterSettings } from '#schema/lab.ts';
import { kindSettings } from '#server/drivers.ts';
import { kubeconfigOf } from '#server/http/kubeconfig.ts';
import { createKubeListener } from '#server/kube-api.ts';
import { driverNamed } from '#server/sessions/worker/drivers.ts';
import { settingsWith } from '#server/settings.ts';
import { listenerCertificate } from '#server/tls.ts';
import { ROOT } from '../root.ts';
import { USAGE } from '../usage.ts';

const STATE = join(ROOT, '.academy', 'clusters');
const HOST = '127.0.0.1';

/** What a running cluster leaves for `list` and `down`. It is reached through a socket beside this file. */
interface State {
  name: string;
  driver: DriverName;
  mesh: boolean;
  url: string;
  kubeconfig: string;
  startedAt: string;
}

/** `academy cluster up | list | down`: one cluster, or two that are joined, in the foreground, for your own kubectl. */
export async function run([verb, ...args]: string[]): Promise<number> {
  switch (verb) {
    case 'up':
      return up(args);
    case 'list':
      return list();
    case 'down':
      return down(args[0] ?? 'academy');
    default:
      console.error(USAGE.cluster);
      return verb === undefined || verb === 'help' ? 0 : 2;
  }
}

async function up(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      name: { type: 'string' },
      with: { type: 'string' },
      'own-anchor': { type: 'boolean', default: false },
      driver: { type: 'string', default: 'embedded' },
      mesh: { type: 'boolean', default: false },
      workers: { type: 'string', default: '0' },
      kubeconfig: { type: 'string' },
      port: { type: 'string', default: '0' },
      'node-image': { type: 'string' },
      'linkerd-cli': { type: 'string' },
    },
  });
  const { name = 'academy', mesh } = values;
  if (!/^[a-z0-9]{1,32}$/.test(name))
    throw new AcademyError('request/invalid', 'A name has 1 to 32 lower-case letters and digits.');
  const parsed = clusterSettings.safeParse({
    mesh: mesh ? 'linkerd' : 'none',
    workers: Number(values.workers),
    ...(values.with === undefined
      ? {}
      : { ...(values.name ? { name } : {}), others: [otherCluster(values.with, values['own-anchor'])] }),
  });
  if (!parsed.success) {
    const about = parsed.error.issues[0]!;
    throw new AcademyError(
      'request/invalid',
      about.path[0] === 'workers'
        ? 'Up to three workers can be had, e.g. --workers 2.'
        : `--with names a second cluster, as in --with west or --with west:flat: ${about.message}.`,
    );
  }
  if (values.driver !== 'embedded' && values.driver !== 'kind')
    throw new AcademyError('driver/unavailable', `There is no driver "${values.driver}": embedded and kind are known.`);
  if (await isUp(name)) throw new AcademyError('request/invalid', `A cluster named ${name} is up already.`);

  const life = new Lifecycle();
  const stopping = new AbortController();
  const onSignal = () => stopping.abort(new DOMException('stopped', 'AbortError'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  // Nothing else keeps the process while the cluster comes up: its timers do not.
  const alive = setInterval(() => {}, 60_000);
  life.add(() => clearInterval(alive));
  try {
    const settings = settingsWith(values);
    // Whose terminal this is has one already, and may have every image that their Engine holds.
    const { toolboxImage: _none, lentImages: _all, ...kind } = kindSettings(settings);
    const driver = await driverNamed(values.driver, values.driver === 'kind' ? kind : undefined);
    const { ok, reasons } = await driver.preflight(stopping.signal);
    if (!ok) throw new AcademyError('driver/unavailable', reasons.join(' '));
    const cluster = await driver.create({
      id: name,
      settings: parsed.data,
      onStep: printStep,
      signal: stopping.signal,
    });
    life.add(() => cluster.destroy());
    mkdirSync(STATE, { recursive: true, mode: 0o700 });
    const [mainName = `academy-${name}`] = clusterNames(parsed.data);
    const doors = [[mainName, cluster] as const, ...(cluster.others ?? [])].map(([context, each], index) => ({
      context,
      cluster: each,
      id: `${name}${index || ''}`,
      token: secretId(),
      socketPath: join(STATE, `${name}${index ? `.${index}` : ''}.api.sock`),
    }));
    for (const door of doors) await door.cluster.serveApi(door.socketPath, door.token);
    await cluster.ready;

    const certificate = await listenerCertificate(join(ROOT, '.academy'), HOST, Date.now());
    const listener = createKubeListener({
      ...certificate,
      route: (id) => doors.find((door) => door.id === id),
      routeByToken: (token) => doors.find((door) => door.token === token),
    });
    await new Promise<void>((done, failed) => {
      listener.once('error', failed);
      listener.listen(Number(values.port), HOST, done);
    });
    life.add(() => {
      listener.close();
      listener.closeAllConnections();
    });
    const { port } = listener.address() as { port: number };
    const kubeconfig = resolve(values.kubeconfig ?? join(STATE, `${name}.kubeconfig`));
    const urlOf = (id: string) => `https://${HOST}:${port}/clusters/${id}`;
    const contexts = doors.map(({ context, cluster: { inner }, id, token }) => ({
      name: context,
      token,
      api: { url: urlOf(id), ca: certificate.certificate },
      innerCa: doors.length > 1 ? inner?.ca : undefined,
    }));
    writeFileSync(kubeconfig, kubeconfigOf(contexts), { mode: 0o600 });
    life.add(() => rmSync(kubeconfig, { force: true }));
    const startedAt = new Date().toISOString();
    const state: State = { name, driver: values.driver, mesh, url: urlOf(name), kubeconfig, startedAt };
    writeFileSync(join(STATE, `${name}.json`), JSON.stringify(state, null, 2));
    life.add(() => rmSync(join(STATE, `${name}.json`), { force: true }));
    await listenForDown(name, onSignal, life);
    console.log(`Cluster ${name} is up (${values.driver}${mesh ? ', with Linkerd' : ''}).\n`);
    console.log(`  export KUBECONFIG=${kubeconfig}`);
    console.log('  kubectl get pods --all-namespaces\n');
    if (doors.length > 1) printOthers(doors);
    console.log('Stop it with Ctrl-C.');
    if (!stopping.signal.aborted)
      await new Promise<void>((done) => stopping.signal.addEventListener('abort', () => done(), { once: true }));
    console.log(`Taking down cluster ${name}.`);
    return 0;
  } catch (error) {
    if (stopping.signal.aborted) return 130;
    throw error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await life.close();
  }
}

/** `west`, or `west:flat`. */
function otherCluster(text: string, ownAnchor: boolean): Record<string, string> {
  const [name = '', network] = text.split(':');
  return { name, ...(network === undefined ? {} : { network }), ...(ownAnchor ? { anchor: 'own' } : {}) };
}

function printOthers(doors: { context: string; cluster: Cluster }[]): void {
  console.log('Contexts, and where pods of both clusters find the API:');
  for (const { context, cluster } of doors) console.log(`  ${context.padEnd(20)} ${cluster.inner?.url ?? ''}`);
  console.log('');
}

async function list(): Promise<number> {
  const states = readStates();
  const rows: string[][] = [['NAME', 'DRIVER', 'MESH', 'SINCE', 'KUBECONFIG']];
  for (const { name, driver, mesh, startedAt, kubeconfig } of states) {
    if (await isUp(name)) rows.push([name, driver, mesh ? 'linkerd' : 'none', startedAt, kubeconfig]);
    else forget(name);
  }
  if (rows.length === 1) {
    console.log('No cluster is up.');
    return 0;
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
  return 0;
}

async function down(name: string): Promise<number> {
  const asked = await reach(name, true);
  if (!asked) {
    forget(name);
    console.error(`No cluster named ${name} is up.`);
    return 1;
  }
  console.log(`Cluster ${name} is going down.`);
  return 0;
}

function printStep({ title, state, message, at, step }: StepEvent): void {
  if (state === 'started') starts.set(step, at);
  if (state === 'done') console.log(`✓ ${title} (${((at - (starts.get(step) ?? at)) / 1000).toFixed(2)} s)`);
  if (state === 'failed') console.error(`✕ ${title}: ${message ?? ''}`);
}
const starts = new Map<string, number>();

function readStates(): State[] {
  try {
    return readdirSync(STATE)
      .filter((file) => file.endsWith('.json'))
      .map((file) => JSON.parse(readFileSync(join(STATE, file), 'utf8')) as State);
  } catch {
    return [];
  }
}

function forget(name: string): void {
  for (const end of ['json', 'sock', 'api.sock', '1.api.sock']) rmSync(join(STATE, `${name}.${end}`), { force: true });
}

/** Whoever writes `down` to the cluster's own socket ends it. The folder is its owner's alone. */
async function listenForDown(name: string, onDown: () => void, life: Lifecycle): Promise<void> {
  const path = join(STATE, `${name}.sock`);
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      if (data.toString().trim() === 'down') onDown();
    });
  });
  await new Promise<void>((done) => server.listen(path, done));
  life.add(() => {
    server.close();
    rmSync(path, { force: true });
  });
}

const isUp = (name: string): Promise<boolean> => reach(name, false);

/** Whether somebody listens on a cluster's socket; `ends` asks them to stop. */
function reach(name: string, ends: boolean): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(join(STATE, `${name}.sock`));
    socket.on('error', () => done(false));
    socket.on('connect', () => {
      socket.end(ends ? 'down\n' : '');
      done(true);
    });
  });
}
