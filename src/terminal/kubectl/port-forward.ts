import type { Duplex } from 'node:stream';
import type { KubeObject } from '#kube/api/types.ts';
import { CliError, isStatus, usageError } from './errors.ts';
import { namedObject, podsSoon } from './pods-of.ts';
import type { Invocation } from './verb.ts';

interface Forward {
  local: number;
  remote: number;
}

/** Listens on the terminal's 127.0.0.1 and carries every connection to a port of a pod, until it is interrupted. */
export async function portForward(k: Invocation): Promise<number> {
  if (k.args.length < 2)
    throw usageError(['port-forward'], 'TYPE/NAME and list of ports are required for port-forward');
  const { loopback } = k.options;
  const [word = '', ...ports] = k.args;
  const object = await namedObject(k, word);
  const forwards = ports.map((text) => forwardOf(text));
  const pod = await podOf(k, object);
  const bound = forwards.map(({ local, remote }) => ({ local, remote: remotePort(object, pod, remote, ports) }));
  if (pod['status']?.phase !== 'Running') {
    throw new CliError(`unable to forward port because pod is not running. Current status=${pod['status']?.phase}`);
  }
  if (!loopback) throw new CliError('this terminal has no 127.0.0.1 to listen on');
  const listeners: { close(): void }[] = [];
  try {
    for (const { local, remote } of bound) {
      const listener = loopback.listen(local, (connection) => void carry(k, pod, listener.port, remote, connection));
      listeners.push(listener);
      await k.out(`Forwarding from 127.0.0.1:${listener.port} -> ${remote}\n`);
      await k.out(`Forwarding from [::1]:${listener.port} -> ${remote}\n`);
    }
    await untilAborted(k.context.signal);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== 'EADDRINUSE') throw error;
    const { local, remote } = bound[listeners.length]!;
    await k.err(
      `Unable to listen on port ${local}: Listeners failed to create with the following errors: [unable to create listener: Error listen tcp4 127.0.0.1:${local}: bind: address already in use unable to create listener: Error listen tcp6 [::1]:${local}: bind: address already in use]\n`,
    );
    throw new CliError(`unable to listen on any of the requested ports: [{${local} ${remote}}]`);
  } finally {
    for (const listener of listeners) listener.close();
  }
  return 130;
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** `8080`, `8080:80`, `:80`. A port's name stays 0 here and is looked up later. */
function forwardOf(text: string): Forward {
  const parts = text.split(':');
  const [local = '', remote = local] = parts;
  const number = (word: string) => (word === '' ? 0 : Number(word));
  if (parts.length > 2) throw new CliError(`invalid port format '${text}'`);
  const left = number(local);
  if (parts.length === 2 && local !== '' && !(left >= 1 && left <= 65535)) {
    throw new CliError(
      `error parsing local port '${local}': strconv.ParseUint: parsing ${JSON.stringify(local)}: invalid syntax`,
    );
  }
  return { local: Number.isInteger(left) ? left : 0, remote: Number.isInteger(number(remote)) ? number(remote) : -1 };
}

async function podOf(k: Invocation, object: KubeObject): Promise<KubeObject> {
  return (await podsSoon(k, object))[0]!;
}

interface ServicePort {
  name?: string;
  port: number;
  targetPort?: number | string;
}

/** The container's port behind a port of a Service, or one that is named. */
function remotePort(object: KubeObject, pod: KubeObject, wanted: number, ports: string[]): number {
  if (object.kind !== 'Service') return wanted;
  const { metadata } = object;
  const word = ports[0]!.split(':').at(-1)!;
  const found = (object['spec'].ports as ServicePort[]).find((each) => each.port === wanted || each.name === word);
  if (!found) throw new CliError(`Service ${metadata.name} does not have a service port ${word}`);
  const target = found.targetPort ?? found.port;
  if (typeof target === 'number') return object['spec'].clusterIP === 'None' ? found.port : target;
  for (const container of pod['spec'].containers) {
    for (const port of container.ports ?? []) if (port.name === target) return port.containerPort;
  }
  throw new CliError(`Pod '${pod.metadata.name}' does not have a named port '${target}'`);
}

async function carry(k: Invocation, pod: KubeObject, local: number, remote: number, connection: Duplex): Promise<void> {
  await k.out(`Handling connection for ${local}\n`);
  connection.on('error', () => {});
  try {
    const { name = '', namespace = k.namespace } = pod.metadata;
    const stream = await k.client.portForward(namespace, name, remote, k.context.signal);
    stream.on('error', (error) => {
      connection.destroy();
      void k
        .err(`E portforward: an error occurred forwarding ${local} -> ${remote}: ${error.message}\n`)
        .catch(() => {});
    });
    connection.pipe(stream).pipe(connection);
  } catch (error) {
    connection.destroy();
    if (k.context.signal.aborted) return;
    const why = isStatus(error) ? String(error) : (error as Error).message;
    await k.err(`E portforward: an error occurred forwarding ${local} -> ${remote}: ${why}\n`).catch(() => {});
  }
}
