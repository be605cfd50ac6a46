import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcademyError } from '#base/errors.ts';
import type { Cluster, ClusterDriver, StepEvent } from '#cluster/driver.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createHttpTransport } from '#kube/client/http.ts';
import { parseCertificates } from '#pki/certificate.ts';
import { verifyChain } from '#pki/verify.ts';
import { clusterSettings } from '#schema/lab.ts';

/** A driver, how it is made, how long its clusters take, and what its nodes can run. */
export interface DriverUnderTest {
  name: string;
  make: () => ClusterDriver;
  readyMs: number;
  settleMs: number;
  /** Why clusters with the mesh can't be had here; undefined where they can. */
  noMesh?: string;
  /** Containers: `web` answers "hello" on port 8080, `tool` waits and has sh and curl. */
  containers: { web: object; tool: object };
}

const core = (resource: string, namespace?: string): Target => ({
  group: '',
  version: 'v1',
  resource,
  ...(namespace ? { namespace } : {}),
});
const PODS = core('pods', 'shop');

const pod = (name: string, container: object, rest: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', labels: { app: name } },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name, ...container }], ...rest },
});

const isReady = ({ status }: KubeObject): boolean =>
  (status?.conditions ?? []).some(
    (one: { type: string; status: string }) => one.type === 'Ready' && one.status === 'True',
  );

/** The first object of a kind that is as wanted, now or later. */
async function until(
  client: KubeClient,
  target: Target,
  wanted: (object: KubeObject) => boolean,
  withinMs: number,
): Promise<KubeObject> {
  const list = await client.list(target);
  const found = list.items.find(wanted);
  if (found) return found;
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(withinMs)]);
  const from = list.metadata.resourceVersion;
  for await (const { type, object } of client.watch(target, { signal, ...(from ? { resourceVersion: from } : {}) })) {
    if ((type === 'ADDED' || type === 'MODIFIED') && wanted(object)) {
      stop.abort();
      return object;
    }
  }
  throw new Error(`nothing of ${target.resource} became as wanted within ${withinMs} ms`);
}

async function output(client: KubeClient, name: string, command: string[]): Promise<{ code: number; text: string }> {
  let text = '';
  const take = (chunk: Uint8Array) => {
    text += Buffer.from(chunk).toString();
  };
  const code = await client.exec({
    namespace: 'shop',
    pod: name,
    container: name,
    command,
    stdout: take,
    stderr: take,
  });
  return { code, text };
}

/** What every driver promises. */
export function describeDriver({ name, make, readyMs, settleMs, noMesh, containers: { web, tool } }: DriverUnderTest) {
  describe(`the ${name} driver`, () => {
    describe('without a mesh', () => {
      let cluster: Cluster;
      let folder: string;
      const steps: StepEvent[] = [];

      beforeAll(async () => {
        folder = mkdtempSync(join(tmpdir(), 'academy-driver-'));
        cluster = await make().create({
          id: 'contract',
          settings: clusterSettings.parse({ mesh: 'none' }),
          onStep: (event) => steps.push(event),
          signal: new AbortController().signal,
        });
        await cluster.ready;
        const { admin } = cluster;
        await admin.create(core('namespaces'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
        await until(admin, core('serviceaccounts', 'shop'), (one) => one.metadata.name === 'default', settleMs);
      }, readyMs);
      afterAll(async () => {
        await cluster?.destroy();
        rmSync(folder, { recursive: true, force: true });
      });

      it('tells of every step, first that it started, then that it is done', () => {
        expect(cluster.driver).toBe(name);
        expect(steps.length).toBeGreaterThan(0);
        for (const { step } of steps) {
          const states = steps.filter((one) => one.step === step).map(({ state }) => state);
          expect(states, step).toEqual(['started', 'done']);
        }
      });

      it('has the namespaces, the node and the way to the API that every cluster has', async () => {
        const { admin } = cluster;
        const names = (await admin.list(core('namespaces'))).items.map(({ metadata }) => metadata.name);
        expect(names).toEqual(expect.arrayContaining(['default', 'kube-node-lease', 'kube-public', 'kube-system']));
        expect((await admin.list(core('nodes'))).items.every(isReady)).toBe(true);
        expect((await admin.get(core('services', 'default'), 'kubernetes')).spec.ports[0].port).toBe(443);
        const ca = await admin.get(core('configmaps', 'shop'), 'kube-root-ca.crt');
        expect(parseCertificates(ca.data['ca.crt'])).toHaveLength(1);
      });

      it('runs pods that reach each other by Service name, serves their logs, and ends them', async () => {
        const { admin } = cluster;
        await admin.create(PODS, pod('web', { ...web, readinessProbe: { httpGet: { path: '/', port: 8080 } } }));
        await admin.create(core('services', 'shop'), {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'web', namespace: 'shop' },
          spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
        });
        await admin.create(PODS, pod('tool', tool));
        for (const each of ['web', 'tool'])
          await until(admin, PODS, (one) => one.metadata.name === each && isReady(one), settleMs);
        const slices = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', namespace: 'shop' };
        await until(admin, slices, (one) => one.endpoints?.[0]?.conditions?.ready === true, settleMs);
        // A node's rules for a Service follow its endpoints a moment later.
        await expect
          .poll(() => output(admin, 'tool', ['curl', '-s', 'http://web.shop.svc.cluster.local/']), {
            timeout: settleMs,
          })
          .toEqual({ code: 0, text: 'hello\n' });
        expect(await output(admin, 'tool', ['sh', '-c', 'echo out; exit 3'])).toEqual({ code: 3, text: 'out\n' });

        const forwarded = await admin.portForward('shop', 'web', 8080);
        forwarded.write('GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n');
        let answer = '';
        for await (const chunk of forwarded) answer += String(chunk);
        expect(answer).toContain('hello');

        await admin.delete(PODS, 'web');
        await expect.poll(() => admin.list(PODS).then(({ items }) => items.length), { timeout: settleMs }).toBe(1);
      });

      it('names the images that there are, when one is not', async () => {
        const { admin } = cluster;
        await admin.create(PODS, pod('bad', { image: 'example.invalid/none:1' }));
        const failed = await until(
          admin,
          PODS,
          (one) =>
            /ErrImagePull|ImagePullBackOff/.test(one.status?.containerStatuses?.[0]?.state?.waiting?.reason ?? ''),
          settleMs,
        );
        expect(failed.status.phase).toBe('Pending');
        await admin.delete(PODS, 'bad');
      });

      it('serves its API on a socket: the token is the administrator’s, service accounts are held to their roles', async () => {
        const { admin } = cluster;
        const socketPath = join(folder, 'api.sock');
        await cluster.serveApi(socketPath, 'the-token');
        const as = (token: string) =>
          createKubeClient(createHttpTransport({ server: 'http://cluster', socketPath, token }));
        expect((await as('the-token').list(core('namespaces'))).items.length).toBeGreaterThan(3);
        await expect(as('another').list(core('namespaces'))).rejects.toMatchObject({ reason: 'Unauthorized' });

        const made = (await admin.raw('POST', '/api/v1/namespaces/shop/serviceaccounts/default/token', {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { expirationSeconds: 3600 },
        })) as KubeObject;
        const robot = as(made.status.token);
        await expect(robot.list(PODS)).rejects.toMatchObject({ reason: 'Forbidden' });
        const rbac = (resource: string): Target => ({
          group: 'rbac.authorization.k8s.io',
          version: 'v1',
          resource,
          namespace: 'shop',
        });
        await admin.create(rbac('rolebindings'), {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata: { name: 'view', namespace: 'shop' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
          subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'shop' }],
        });
        await expect
          .poll(
            () =>
              robot.list(PODS).then(
                ({ kind }) => kind,
                () => 'refused',
              ),
            { timeout: settleMs },
          )
          .toBe('PodList');
        await expect(robot.list(core('secrets', 'shop'))).rejects.toMatchObject({ reason: 'Forbidden' });
      });

      it('moves its clock, or says that it can’t', async () => {
        const before = cluster.clock.now();
        await cluster.advanceClock(60_000).then(
          () => expect(cluster.clock.now() - before).toBeGreaterThanOrEqual(60_000),
          (error: unknown) =>
            expect(error).toMatchObject({ code: 'driver/unavailable' } satisfies Partial<AcademyError>),
        );
      });

      it('can be taken down twice', async () => {
        await cluster.destroy();
        await cluster.destroy();
      });
    });

    if (noMesh) console.log(`SKIPPED: the ${name} driver with the mesh: ${noMesh}`);
    describe.skipIf(noMesh)('with the mesh', () => {
      let cluster: Cluster;

      beforeAll(async () => {
        cluster = await make().create({
          id: 'contract-mesh',
          settings: clusterSettings.parse({ mesh: 'linkerd' }),
          onStep: () => {},
          signal: new AbortController().signal,
        });
        await cluster.ready;
        await cluster.admin.create(core('namespaces'), {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name: 'shop', annotations: { 'linkerd.io/inject': 'enabled' } },
        });
        await until(cluster.admin, core('serviceaccounts', 'shop'), (one) => one.metadata.name === 'default', settleMs);
      }, readyMs);
      afterAll(() => cluster?.destroy());

      it('leaves the anchor that the installed issuer stands under, with its key', async () => {
        const secret = await cluster.admin.get(core('secrets', 'linkerd'), 'linkerd-identity-issuer');
        const issuer = Buffer.from(secret.data['crt.pem'], 'base64').toString();
        const anchor = cluster.homeFiles['ca.crt']!;
        expect(cluster.homeFiles['ca.key']).toContain('PRIVATE KEY');
        const chain = parseCertificates(issuer).map(({ raw }) => raw);
        const result = verifyChain({ chain, anchors: [anchor], at: cluster.clock.now(), anchorDates: 'check' });
        expect(result.ok).toBe(true);
      });

      it('gives every pod a proxy, and pods answer each other through them', async () => {
        const { admin } = cluster;
        await admin.create(PODS, pod('web', { ...web, ports: [{ containerPort: 8080 }] }));
        await admin.create(PODS, pod('tool', tool));
        await admin.create(core('services', 'shop'), {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'web', namespace: 'shop' },
          spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
        });
        for (const each of ['web', 'tool']) {
          const one = await until(
            admin,
            PODS,
            ({ metadata, ...rest }) => metadata.name === each && isReady({ metadata, ...rest } as KubeObject),
            settleMs,
          );
          const names = one.spec.initContainers.map(({ name: container }: { name: string }) => container);
          expect(names).toEqual(['linkerd-init', 'linkerd-proxy']);
        }
        await expect
          .poll(() => output(admin, 'tool', ['curl', '-s', 'http://web/']), { timeout: settleMs })
          .toEqual({ code: 0, text: 'hello\n' });
      });

      it('comes back with its objects, where it can be saved', async () => {
        const folder = { hostPath: { path: '/mnt/kept', type: 'DirectoryOrCreate' } };
        await cluster.admin.create(
          PODS,
          pod(
            'keeper',
            {
              ...tool,
              command: ['sh', '-c', 'ls /kept; echo written > /kept/file; sleep 3600'],
              securityContext: { runAsUser: 0 },
              volumeMounts: [{ name: 'kept', mountPath: '/kept' }],
            },
            { volumes: [{ name: 'kept', ...folder }] },
          ),
        );
        await until(cluster.admin, PODS, (one) => one.metadata.name === 'keeper' && isReady(one), settleMs);
        await expect
          .poll(() => output(cluster.admin, 'keeper', ['cat', '/kept/file']), { timeout: settleMs })
          .toEqual({ code: 0, text: 'written\n' });
        const saved = await cluster.save();
        if (!saved) return;
        // What outlives a server is let go of, and its containers run on; the rest is made again from what was saved.
        const runsOn = cluster.release !== undefined;
        await (cluster.release?.() ?? cluster.destroy());
        cluster = await make().create({
          id: 'contract-mesh',
          settings: clusterSettings.parse({ mesh: 'linkerd' }),
          onStep: () => {},
          signal: new AbortController().signal,
          restore: saved,
        });
        await cluster.ready;
        await until(cluster.admin, PODS, (one) => one.metadata.name === 'web' && isReady(one), settleMs);
        const back = await until(cluster.admin, PODS, (one) => one.metadata.name === 'tool' && isReady(one), settleMs);
        expect(back.status.containerStatuses[0].restartCount).toBe(runsOn ? 0 : 1);
        await until(cluster.admin, PODS, (one) => one.metadata.name === 'keeper' && isReady(one), settleMs);
        // A container without probes is ready before its shell has come to its first command.
        const printed = async () => {
          let log = '';
          for await (const chunk of cluster.admin.logs('shop', 'keeper', { container: 'keeper' }))
            log += Buffer.from(chunk).toString();
          return log;
        };
        await expect.poll(printed, { timeout: settleMs }).toBe(runsOn ? '' : 'file\n');
        await expect
          .poll(() => output(cluster.admin, 'tool', ['curl', '-s', 'http://web/']), { timeout: settleMs })
          .toEqual({ code: 0, text: 'hello\n' });
      });
    });
  });
}
