import type { KubeObject } from '#kube/api/types.ts';
import type { LogOptions } from '#kube/client/client.ts';
import { parseGoDuration } from './age.ts';
import { CliError, isStatus, usageError } from './errors.ts';
import { allContainers, defaultContainer, namedObject, podsSoon, refuseForeignContainer } from './pods-of.ts';
import type { Invocation } from './verb.ts';

interface Source {
  pod: KubeObject;
  container: string;
}

export async function logs(k: Invocation): Promise<void> {
  const { flags } = k;
  const selector = flags.get('selector');
  if (k.args.length === 0 && !selector) {
    throw usageError(
      ['logs'],
      "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
    );
  }
  if (k.args.length > 0 && selector) throw usageError(['logs'], 'only a selector (-l) or a POD name is allowed');
  if (k.args.length > 2) {
    throw usageError(
      ['logs'],
      "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
    );
  }
  if (flags.has('since') && flags.has('since-time'))
    throw new CliError('at most one of `sinceTime` or `sinceSeconds` may be specified');
  if (flags.bool('all-containers') && flags.get('container'))
    throw new CliError(`--all-containers=true should not be specified with container name ${flags.get('container')}`);
  const options = logOptions(k, selector !== '');
  const sources = await sourcesOf(k, selector);
  if (sources.length === 0) {
    await k.err(`No resources found in ${k.namespace} namespace.\n`);
    return;
  }
  const follow = flags.bool('follow');
  const most = flags.int('max-log-requests');
  if (follow && sources.length > most) {
    throw new CliError(
      `you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${most}, use --max-log-requests to increase the limit`,
    );
  }
  if (follow && sources.length > 1) await Promise.all(sources.map((source) => copy(k, source, options)));
  else for (const source of sources) await copy(k, source, options);
}

function logOptions(k: Invocation, selected: boolean): LogOptions {
  const { flags } = k;
  const tail = flags.has('tail') ? flags.int('tail') : selected ? 10 : -1;
  if (tail < -1) throw new CliError(`--tail must be greater than or equal to -1`);
  const since = parseGoDuration(flags.get('since')) ?? 0;
  return {
    ...(flags.bool('follow') ? { follow: true } : {}),
    ...(flags.bool('previous') ? { previous: true } : {}),
    ...(flags.bool('timestamps') ? { timestamps: true } : {}),
    ...(tail >= 0 ? { tailLines: tail } : {}),
    ...(since > 0 ? { sinceSeconds: Math.ceil(since / 1000) } : {}),
    ...(flags.get('since-time') ? { sinceTime: flags.get('since-time') } : {}),
    ...(flags.int('limit-bytes') > 0 ? { limitBytes: flags.int('limit-bytes') } : {}),
    signal: k.context.signal,
  };
}

async function sourcesOf(k: Invocation, selector: string): Promise<Source[]> {
  const { flags } = k;
  const everyPod = selector !== '' || flags.bool('all-pods');
  const pods = await podsMeant(k, selector, everyPod);
  const container = flags.get('container') || (k.args[1] ?? '');
  const out: Source[] = [];
  for (const pod of pods) {
    if (flags.bool('all-containers')) out.push(...allContainers(pod).map((each) => ({ pod, container: each })));
    else if (container) {
      refuseForeignContainer(pod, container);
      out.push({ pod, container });
    } else out.push({ pod, container: await defaultContainer(k, pod) });
  }
  return out;
}

async function podsMeant(k: Invocation, selector: string, every: boolean): Promise<KubeObject[]> {
  if (selector) {
    const target = { group: '', version: 'v1', resource: 'pods', namespace: k.namespace };
    return (await k.client.list(target, { labelSelector: selector })).items;
  }
  const word = k.args[0]!;
  let object: KubeObject;
  try {
    object = await namedObject(k, word);
  } catch (error) {
    if (isStatus(error, 'NotFound')) {
      throw new CliError(`error from server (NotFound): ${error.message} in namespace ${JSON.stringify(k.namespace)}`);
    }
    throw error;
  }
  const pods = await podsSoon(k, object, 'cannot get the logs from');
  if (every || pods.length === 1) return pods;
  await k.err(`Found ${pods.length} pods, using pod/${pods[0]!.metadata.name}\n`);
  return [pods[0]!];
}

async function copy(k: Invocation, { pod, container }: Source, options: LogOptions): Promise<void> {
  const namespace = pod.metadata.namespace ?? k.namespace;
  const stream = k.client.logs(namespace, pod.metadata.name!, { ...options, container });
  const prefix = k.flags.bool('prefix') || k.flags.bool('all-pods') ? `[pod/${pod.metadata.name}/${container}] ` : '';
  try {
    if (!prefix) for await (const chunk of stream) await k.context.stdout.write(chunk);
    else {
      const { lines } = await import('#kube/client/lines.ts');
      for await (const line of lines(stream)) await k.out(`${prefix}${line}\n`);
    }
  } catch (error) {
    if (!k.flags.bool('ignore-errors')) throw error;
    await k.err(`error: ${(error as Error).message}\n`);
  }
}
