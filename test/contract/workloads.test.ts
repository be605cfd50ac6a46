import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { clusterSettings } from '#schema/lab.ts';

/** The workload kinds with real containers on the embedded node, beside what the controllers' unit tests show. */
describe('workloads in the embedded cluster', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await createEmbeddedDriver().create({
      id: 'workloads',
      settings: clusterSettings.parse({ mesh: 'none' }),
      onStep: () => {},
      signal: new AbortController().signal,
    });
    await cluster.ready;
  });
  afterAll(() => cluster.destroy());

  const namespace = 'default';
  const apply = async (...objects: KubeObject[]) => {
    for (const object of objects) await cluster.admin.apply(object, { fieldManager: 'test', force: true });
  };
  const list = async (group: string, resource: string, labelSelector?: string) =>
    (await cluster.admin.list({ group, version: 'v1', resource, namespace }, labelSelector ? { labelSelector } : {}))
      .items;
  const status = async (group: string, resource: string, name: string) =>
    (await cluster.admin.get({ group, version: 'v1', resource, namespace }, name)).status ?? {};
  const until = (look: () => Promise<unknown>, wanted: unknown) =>
    expect.poll(look, { timeout: 20_000, interval: 25 }).toEqual(wanted);
  const exec = async (pod: string, ...command: string[]) => {
    let output = '';
    const take = (chunk: Uint8Array) => {
      output += Buffer.from(chunk).toString();
    };
    const code = await cluster.admin.exec({ namespace, pod, command, stdout: take, stderr: take });
    return { code, output };
  };
  const logs = async (pod: string) => {
    let text = '';
    for await (const chunk of cluster.admin.logs(namespace, pod)) text += Buffer.from(chunk).toString();
    return text;
  };
  const echo = (text: string) => ({
    name: 'echo',
    image: 'hashicorp/http-echo:1.0',
    args: ['-listen=:8080', `-text=${text}`],
    ports: [{ name: 'http', containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 },
  });
  const shell = (script: string) => ({ name: 'main', image: 'busybox', command: ['sh', '-c', script] });

  it('StatefulSet: pods find each other by their names', async () => {
    await apply(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'db', namespace },
        spec: { clusterIP: 'None', selector: { app: 'db' }, ports: [{ name: 'http', port: 8080 }] },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'db', namespace },
        spec: {
          serviceName: 'db',
          replicas: 2,
          selector: { matchLabels: { app: 'db' } },
          template: {
            metadata: { labels: { app: 'db' } },
            spec: {
              terminationGracePeriodSeconds: 1,
              containers: [echo('data'), { name: 'tool', image: 'curlimages/curl', command: ['sleep', 'infinity'] }],
            },
          },
        },
      },
    );
    await until(async () => (await status('apps', 'statefulsets', 'db'))['readyReplicas'], 2);
    let output = '';
    const code = await cluster.admin.exec({
      namespace,
      pod: 'db-0',
      container: 'tool',
      command: [
        'sh',
        '-c',
        'hostname; curl -s http://db-1.db:8080; curl -s http://db-0.db.default.svc.cluster.local:8080',
      ],
      stdout: (chunk) => {
        output += Buffer.from(chunk).toString();
      },
    });
    expect([code, output]).toEqual([0, 'db-0\ndata\ndata\n']);
  });

  it('DaemonSet: runs on the one node', async () => {
    await apply({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'agent', namespace },
      spec: {
        selector: { matchLabels: { app: 'agent' } },
        template: {
          metadata: { labels: { app: 'agent' } },
          spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10' }] },
        },
      },
    });
    await until(async () => {
      const { desiredNumberScheduled, numberReady, numberAvailable } = await status('apps', 'daemonsets', 'agent');
      return [desiredNumberScheduled, numberReady, numberAvailable];
    }, [1, 1, 1]);
  });

  it('Job: ends, keeps its log, and counts failures', async () => {
    const job = (name: string, script: string, spec: object = {}): KubeObject => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace },
      spec: { ...spec, template: { spec: { restartPolicy: 'Never', containers: [shell(script)] } } },
    });
    await apply(
      job('good', 'echo one; echo two'),
      job('bad', 'echo no; exit 3', { backoffLimit: 0 }),
      job('slow', "trap 'exit 1' TERM; while true; do sleep 0.1; done", { activeDeadlineSeconds: 1 }),
    );
    await until(async () => (await status('batch', 'jobs', 'good'))['succeeded'], 1);
    const [pod] = await list('', 'pods', 'job-name=good');
    expect(await logs(pod!.metadata.name!)).toBe('one\ntwo\n');
    await until(async () => {
      const { conditions = [], failed } = await status('batch', 'jobs', 'bad');
      return [failed, conditions.at(-1)?.type, conditions.at(-1)?.reason];
    }, [1, 'Failed', 'BackoffLimitExceeded']);
    await until(async () => {
      const { conditions = [], active, terminating } = await status('batch', 'jobs', 'slow');
      return [conditions.at(-1)?.type, conditions.at(-1)?.reason, active, terminating];
    }, ['Failed', 'DeadlineExceeded', undefined, 0]);
    expect(await list('', 'pods', 'job-name=slow')).toEqual([]);
    await cluster.admin.delete({ group: 'batch', version: 'v1', resource: 'jobs', namespace }, 'good', {
      propagationPolicy: 'Foreground',
    });
    await until(async () => (await list('', 'pods', 'job-name=good')).length, 0);
    await until(async () => (await list('batch', 'jobs')).map(({ metadata }) => metadata.name), ['bad', 'slow']);
  });

  it('CronJob: runs when the clock of the cluster says so', async () => {
    await apply({
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'tick', namespace },
      spec: {
        schedule: '@hourly',
        jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [shell('date -u +%M')] } } } },
      },
    });
    await cluster.advanceClock(3_600_000);
    await until(
      async () => (await list('batch', 'jobs')).filter(({ metadata }) => metadata.name!.startsWith('tick-')).length,
      1,
    );
    await until(async () => (await status('batch', 'cronjobs', 'tick'))['lastSuccessfulTime'] !== undefined, true);
  });

  it('exec and kill: a container whose process ends is started again', async () => {
    await apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'restarts', namespace },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [shell("trap 'exit 7' TERM; echo set; while true; do sleep 0.1; done")],
      },
    });
    // Process 1 is deaf to a signal before its trap is set.
    await until(() => logs('restarts').catch(String), 'set\n');
    expect((await exec('restarts', 'kill', '1')).code).toBe(0);
    await until(async () => {
      const [state] = (await status('', 'pods', 'restarts'))['containerStatuses'] ?? [];
      return [state?.restartCount, state?.lastState?.terminated?.exitCode];
    }, [1, 7]);
  });

  it('attach: a container with a terminal is a session', async () => {
    await apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'session', namespace },
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'main', image: 'busybox', command: ['sh'], stdin: true, stdinOnce: true, tty: true }],
      },
    });
    await until(async () => (await status('', 'pods', 'session'))['phase'], 'Running');
    let output = '';
    const shown = (pattern: RegExp) => expect.poll(() => output, { timeout: 5_000, interval: 10 }).toMatch(pattern);
    const keys = async function* () {
      // The first prompt was written before anybody listened.
      yield Buffer.from('\r');
      await shown(/\/ # $/);
      yield Buffer.from('hostnam\x7fme\r');
      await shown(/session\r\n\/ # $/);
      yield Buffer.from('sleep 1000\r');
      await shown(/sleep 1000\r\n$/);
      yield Buffer.from('\x03');
      await shown(/\^C\r\n\/ # $/);
      yield Buffer.from('exit 4\r');
    };
    const stdout = (chunk: Uint8Array) => {
      output += Buffer.from(chunk).toString();
    };
    await cluster.admin.attach({ namespace, pod: 'session', container: 'main', stdin: keys(), stdout, tty: true });
    await until(async () => {
      const [state] = (await status('', 'pods', 'session'))['containerStatuses'] ?? [];
      return state?.state?.terminated?.exitCode;
    }, 4);
  });
});
