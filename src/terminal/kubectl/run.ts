import { mergePatch } from '#kube/api/patch/merge.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { writeOptions } from './changed.ts';
import { requireFlags } from './create/name.ts';
import { createMade } from './create.ts';
import { CliError, usageError } from './errors.ts';
import { attachTo } from './exec.ts';
import { labelsOf } from './expose.ts';
import type { Invocation } from './verb.ts';
import { watchUntil } from './watching.ts';

const PODS = { group: '', version: 'v1', resource: 'pods' };
const DAY_MS = 24 * 3600 * 1000;

export async function run(k: Invocation): Promise<number> {
  const { flags } = k;
  requireFlags(k, 'image');
  const refuse = (text: string) => usageError(['run'], text);
  if (k.args.length === 0 || flags.dash === 0) throw refuse('NAME is required for run');
  const interactive = flags.bool('stdin');
  const attaches = flags.has('attach') ? flags.bool('attach') : interactive || flags.bool('tty');
  if (flags.bool('tty') && !interactive) throw refuse('-i/--stdin is required for containers with -t/--tty=true');
  if (flags.bool('expose') && !flags.get('port')) throw refuse('--port must be set when exposing a service');
  const dryRun = flags.get('dry-run');
  if (attaches && dryRun !== 'none') {
    throw refuse(
      "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
    );
  }
  if (flags.bool('rm') && !attaches) throw refuse('--rm should only be used for attached containers');
  const image = flags.get('image');
  if (!/^[a-z0-9]([\w./:@-]*[\w])?$/.test(image)) {
    throw new CliError(`Invalid image name ${JSON.stringify(image)}: invalid reference format`);
  }
  const pod = withOverrides(k, podOf(k));
  const services = flags.bool('expose') ? [serviceOf(k, pod)] : [];
  for (const service of services) await createMade(k, service, { manager: 'kubectl-run' });
  if (!attaches) {
    await createMade(k, pod, { manager: 'kubectl-run' });
    return 0;
  }
  return attachToNew(k, pod, services);
}

function podOf(k: Invocation): KubeObject {
  const { flags, args } = k;
  const name = args[0]!;
  const rest = args.slice(1);
  const restart = flags.get('restart') || 'Always';
  if (!['Always', 'OnFailure', 'Never'].includes(restart))
    throw usageError(['run'], `invalid restart policy: ${restart}`);
  const labels = flags.get('labels') ? labelsOf(flags.get('labels')) : { run: name };
  const annotations = Object.fromEntries(flags.list('annotations').map((each) => splitPair(each)));
  const env = flags.list('env').map((each) => {
    const [key, value] = splitPair(each);
    return { name: key, value };
  });
  const port = flags.get('port');
  if (port !== '' && !/^\d+$/.test(port)) {
    throw new CliError(`strconv.Atoi: parsing ${JSON.stringify(port)}: invalid syntax`);
  }
  const policy = flags.get('image-pull-policy');
  const container = {
    name,
    image: flags.get('image'),
    ...(rest.length > 0 ? (flags.bool('command') ? { command: rest } : { args: rest }) : {}),
    ...(port ? { ports: [{ containerPort: Number(port) }] } : {}),
    ...(env.length > 0 ? { env } : {}),
    resources: {},
    ...(policy ? { imagePullPolicy: policy } : {}),
    ...(flags.bool('privileged') ? { securityContext: { privileged: true } } : {}),
    ...(flags.bool('stdin') ? { stdin: true, ...(flags.bool('leave-stdin-open') ? {} : { stdinOnce: true }) } : {}),
    ...(flags.bool('tty') ? { tty: true } : {}),
  };
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name,
      ...(k.namespaceGiven ? { namespace: k.namespace } : {}),
      labels,
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    spec: {
      containers: [container],
      restartPolicy: restart,
      dnsPolicy: 'ClusterFirst',
    },
    status: {},
  };
}

function splitPair(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals <= 0) throw new CliError(`invalid env: ${text}`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function withOverrides(k: Invocation, pod: KubeObject): KubeObject {
  const text = k.flags.get('overrides');
  if (!text) return pod;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CliError(`Invalid JSON Patch: ${(error as Error).message}`);
  }
  return mergePatch(pod, value) as KubeObject;
}

function serviceOf(k: Invocation, pod: KubeObject): KubeObject {
  const port = Number(k.flags.get('port'));
  return {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { name: pod.metadata.name!, ...(k.namespaceGiven ? { namespace: k.namespace } : {}) },
    spec: { ports: [{ protocol: 'TCP', port, targetPort: port }], selector: pod.metadata.labels },
    status: { loadBalancer: {} },
  };
}

/** Creates the pod, waits until it runs, connects to it, and gives back the exit code of its container. */
async function attachToNew(k: Invocation, pod: KubeObject, services: KubeObject[]): Promise<number> {
  const { flags } = k;
  const name = pod.metadata.name!;
  const target = { ...PODS, namespace: k.namespace };
  await k.client.create(target, pod, writeOptions(k, 'kubectl-run'));
  const container: string = pod['spec'].containers[0].name;
  try {
    let live = pod;
    const timeoutMs = flags.duration('pod-running-timeout') || 60_000;
    await watchUntil(k, { target, name }, timeoutMs, (object) => {
      if (!object) throw new CliError(`pods ${JSON.stringify(name)} not found`);
      live = { ...object, apiVersion: 'v1', kind: 'Pod' };
      return isOver(object) || isReady(object);
    });
    if (isOver(live)) {
      for await (const chunk of k.client.logs(k.namespace, name, { container })) await k.context.stdout.write(chunk);
    } else await attachTo(k, live, container);
    if (flags.get('restart') !== 'Never' && flags.get('restart') !== 'OnFailure') return 0;
    return await exitCodeOf(k, name);
  } finally {
    if (flags.bool('rm')) await removeAll(k, pod, services);
  }
}

const isOver = (pod: KubeObject): boolean => ['Succeeded', 'Failed'].includes(pod['status']?.phase);
const isReady = (pod: KubeObject): boolean =>
  pod['status']?.phase === 'Running' &&
  (pod['status'].conditions ?? []).some(
    (each: { type: string; status: string }) => each.type === 'Ready' && each.status === 'True',
  );

async function exitCodeOf(k: Invocation, name: string): Promise<number> {
  const target = { ...PODS, namespace: k.namespace };
  let code = 0;
  await watchUntil(k, { target, name }, DAY_MS, (object) => {
    if (!object) return true;
    if (!isOver(object)) return false;
    code = object['status'].containerStatuses?.[0]?.state?.terminated?.exitCode ?? 0;
    return true;
  });
  if (code !== 0) throw new CliError(`pod ${k.namespace}/${name} terminated (Error)`, { plain: true, exitCode: code });
  return code;
}

async function removeAll(k: Invocation, pod: KubeObject, services: KubeObject[]): Promise<void> {
  for (const object of [...services, pod]) {
    const resource = object.kind === 'Pod' ? 'pods' : 'services';
    const name = object.metadata.name!;
    const target = { group: '', version: 'v1', resource, namespace: k.namespace };
    await k.client.delete(target, name, { propagationPolicy: 'Background' }).catch(() => undefined);
    if (k.flags.bool('quiet')) continue;
    await k.out(`${object.kind.toLowerCase()} ${JSON.stringify(name)} deleted from ${k.namespace} namespace\n`);
  }
}
