import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { MovableClock } from '#base/clock.ts';
import type { NodeApi, NodeExecOptions } from '#kube/api/node.ts';
import { failure } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { serviceAccountAdmission } from '#kube/apiserver/admission/service-account.ts';
import { ADMIN, createAuthenticator } from '#kube/apiserver/auth/authenticate.ts';
import { bootstrapRbac } from '#kube/apiserver/auth/bootstrap.ts';
import { createRbac } from '#kube/apiserver/auth/rbac.ts';
import { addReviews } from '#kube/apiserver/auth/reviews.ts';
import { ServiceAccountTokens } from '#kube/apiserver/auth/tokens.ts';
import { createFront } from '#kube/apiserver/front/front.ts';
import { createUpgrades } from '#kube/apiserver/front/upgrades.ts';
import type { AdmissionPlugin } from '#kube/apiserver/seams.ts';
import { ApiServer } from '#kube/apiserver/server.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';
import { kubeconfigFor, stringifyKubeconfig } from '#kube/client/kubeconfig.ts';
import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';

const TOKEN = 'the-administrators-token';
/** The objects of cluster.yaml are this old when the commands run. */
const AGE_MS = (3 * 24 + 1) * 3600 * 1000;

/** A cluster of an API server and objects put in by hand: nothing in it moves by itself. */
export interface World {
  clock: MovableClock;
  client: KubeClient;
  /** For a kubectl of another process. */
  kubeconfig: string;
  server: string;
  close(): Promise<void>;
}

export async function createWorld(): Promise<World> {
  const clock = new MovableClock({ startAtMs: Date.now() - AGE_MS });
  const authorize: { run?: ReturnType<typeof createRbac> } = {};
  const admission: AdmissionPlugin[] = [];
  const given = [{ token: TOKEN, user: ADMIN }];
  const api: ApiServer = new ApiServer({
    clock,
    nodes: fakeNode,
    authenticate: (request) => authenticate(request),
    authorize: (attributes) => authorize.run!(attributes),
    admission,
  });
  const tokens = new ServiceAccountTokens(api.store, clock);
  const authenticate = createAuthenticator(tokens, given);
  authorize.run = createRbac(api.store);
  admission.push(serviceAccountAdmission(api.store));
  addReviews(api, tokens, authorize.run, () => clock.now());
  const client = createKubeClient(createInProcessTransport(api, ADMIN));
  const namespaces = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];
  const first = namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  for (const object of [...first, ...bootstrapRbac(), ...fixture()]) await put(client, object);
  await clock.advance(AGE_MS);
  const { server, port } = await serve(api);
  const address = `https://127.0.0.1:${port}`;
  const config = kubeconfigFor({ name: 'lab', server: address, token: TOKEN });
  config.clusters[0]!.cluster['insecure-skip-tls-verify'] = true;
  return {
    clock,
    client,
    kubeconfig: stringifyKubeconfig(config),
    server: address,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      clock.stop();
    },
  };
}

const fixture = (): KubeObject[] => {
  const documents = parseAllDocuments(readFileSync(join(import.meta.dirname, 'cluster.yaml'), 'utf8'));
  return [...documents].map((document) => document.toJS() as KubeObject);
};

const uids = new WeakMap<KubeClient, Map<string, string>>();

async function put(client: KubeClient, object: KubeObject): Promise<void> {
  const known = uids.get(client) ?? new Map<string, string>();
  uids.set(client, known);
  const text = JSON.stringify(object).replace(/UID:([A-Za-z]+\/[\w.-]+)/g, (_, id: string) => known.get(id) ?? id);
  const { status, ...wanted } = JSON.parse(text) as KubeObject;
  const resources = await client.discover();
  const find = (all: typeof resources) =>
    all.find(
      (each) =>
        each.kind === wanted.kind &&
        (each.group ? `${each.group}/${each.version}` : each.version) === wanted.apiVersion,
    );
  const { group, version, resource, namespaced } = (find(resources) ?? find(await client.discover({ fresh: true })))!;
  const target = { group, version, resource, ...(namespaced ? { namespace: wanted.metadata.namespace! } : {}) };
  const made = await client.create(target, wanted, { fieldManager: 'fixture' });
  known.set(`${wanted.kind}/${wanted.metadata.name}`, made.metadata.uid!);
  if (status) await client.update(target, { ...made, status }, { subresource: 'status', fieldManager: 'fixture' });
}

async function serve(api: ApiServer): Promise<{ server: Server; port: number }> {
  const keys = await generateKeyPair();
  const now = Date.now();
  const cert = createCertificate({
    subject: 'CN=lab',
    ...keys,
    notBefore: now - 3600_000,
    notAfter: now + 24 * 3600_000,
    ipAddresses: ['127.0.0.1'],
  });
  const server = createServer({ key: keys.privateKey, cert }, createFront(api));
  server.on('upgrade', createUpgrades(api));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

const LINES = ['one', 'two', 'three', 'four'];

/** A kubelet that knows a few lines of log and a few commands. */
const fakeNode: NodeApi = {
  async logs(_namespace, pod, container, { tailLines, previous, timestamps }) {
    if (container === 'setup') return bytes(['ready']);
    if (previous && pod !== 'web-7c9d8-aaaaa')
      throw failure('BadRequest', `previous terminated container "${container}" in pod "${pod}" not found`);
    if (pod === 'alone')
      throw failure('BadRequest', `container "${container}" in pod "${pod}" is waiting to start: ContainerCreating`);
    const lines = LINES.map(
      (line, i) => `${timestamps ? `2026-01-02T03:04:0${i}.000000000Z ` : ''}${container} ${line}`,
    );
    return bytes(tailLines === undefined ? lines : lines.slice(-tailLines || lines.length));
  },
  async exec(_namespace, _pod, container, options) {
    return { exited: run(container, options), resize() {} };
  },
  async attach(_namespace, _pod, container, { stdio }) {
    return { exited: stdio.stdout.write(`hello from ${container}\n`).then(() => 0), resize() {} };
  },
  async portForward() {
    throw failure('InternalError', 'no ports are forwarded in this world');
  },
};

async function* bytes(lines: string[]): AsyncGenerator<Uint8Array> {
  for (const line of lines) yield Buffer.from(`${line}\n`);
}

async function run(container: string, { command, stdio }: NodeExecOptions): Promise<number> {
  const [program, ...args] = command;
  if (program === 'echo') await stdio.stdout.write(`${args.join(' ')}\n`);
  else if (program === 'hostname') await stdio.stdout.write(`${container}\n`);
  else if (program === 'cat') for await (const chunk of stdio.stdin) await stdio.stdout.write(chunk);
  else if (program === 'fail') {
    await stdio.stderr.write('it failed\n');
    return 3;
  } else {
    throw failure(
      'InternalError',
      `error executing command in container: failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: exec: "${program}": executable file not found in $PATH`,
    );
  }
  return 0;
}
