import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { ipText } from '#mesh/api/addresses.ts';
import { GrpcChannel, GrpcError, INVALID_ARGUMENT } from '#mesh/api/grpc.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { INBOUND, OBSERVE } from '#mesh/api/tap-api.ts';
import { METHODS, SCHEMES } from '#mesh/api/types.ts';

/** A proxy is asked for so many requests a window; when it has told of them, the rest of the window passes unseen. */
const WINDOW_MS = 1_000;
const UNIMPLEMENTED = 12;

/** A tap request's match as proxies take it: all of a flat list (viz/tap/api/grpc_server.go). */
export function proxyMatch(match: Message | undefined): Message {
  const { all } = match ?? {};
  if (!all) throw new GrpcError(UNIMPLEMENTED, 'unexpected match specified');
  const matches = ((all['matches'] ?? []) as Message[]).flatMap((each) => {
    if (each['destinations']) return destinationLabels(each['destinations'].resource ?? {});
    if (each['http']) return [{ http: httpMatch(each['http']) }];
    throw new GrpcError(UNIMPLEMENTED, 'unknown match type');
  });
  return { all: { matches } };
}

function destinationLabels({ type = '', name, namespace }: Message): Message[] {
  const label = (key: string, value: string): Message => ({ destination_label: { key, value } });
  return [
    ...(name ? [label(type === 'job' ? 'k8s_job' : type, name)] : []),
    ...(type !== 'namespace' && namespace ? [label('namespace', namespace)] : []),
  ];
}

function httpMatch({ scheme, method, authority, path }: Message): Message {
  const known = (names: string[], text: string, normal: string): Message => {
    const registered = names.indexOf(normal);
    return registered < 0 ? { unregistered: text.toUpperCase() } : { registered };
  };
  if (scheme !== undefined) return { scheme: known(SCHEMES, scheme, scheme.toLowerCase()) };
  if (method !== undefined) return { method: known(METHODS, method, method.toUpperCase()) };
  if (authority !== undefined) return { authority: { exact: authority } };
  if (path !== undefined) return { path: { prefix: path } };
  throw new GrpcError(INVALID_ARGUMENT, 'unknown HTTP match type');
}

export interface Observation {
  pod: KubeObject;
  /** Whom the pod's proxy must show to be. */
  identity: string;
  request: Message;
  dial(ip: string): Promise<Duplex>;
  clock: Clock;
  signal: AbortSignal;
  tell(event: Message): void;
}

/** Looks on at one pod until `signal` aborts. Rejects when its proxy can't be asked. */
export async function observe(observation: Observation): Promise<void> {
  const { pod, identity, request, dial, clock, signal, tell } = observation;
  const ip: string = pod.status?.podIP ?? '';
  const channel = new GrpcChannel(await dial(ip), `${ip}:4190`);
  const stop = () => channel.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    while (!signal.aborted) {
      const until = clock.now() + WINDOW_MS;
      const events = channel.stream(OBSERVE, request, { signal, headers: { 'l5d-require-id': identity } });
      for await (const event of events) tell(event);
      await clock.sleep(Math.max(0, until - clock.now()), signal, { lazy: true });
    }
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

/** Adds what the cluster knows of an address; undefined where it is nobody's, or several's. */
export type LabelsOf = (ip: string) => Record<string, string> | undefined;

/** A proxy's event as the extension tells it. */
export function vizEventOf(event: Message, labelsOf: LabelsOf, ignored: Set<string>): Message {
  const hydrated = (meta: Message | undefined, address: Message | undefined): Message => ({
    labels: { ...meta?.['labels'], ...labelsOf(ipText(address?.['ip'])) },
  });
  const { source, destination, http = {} } = event;
  const [[kind = '', detail = {}] = []] = Object.entries(http as Message);
  const { headers, trailers, ...rest } = detail as Message;
  return {
    source,
    source_meta: hydrated(event['source_meta'], source),
    destination,
    destination_meta:
      // A proxy does not know its own pod's labels.
      event['proxy_direction'] === INBOUND
        ? hydrated(event['destination_meta'], destination)
        : { labels: event['destination_meta']?.labels ?? {} },
    route_meta: { labels: event['route_meta']?.labels ?? {} },
    proxy_direction: event['proxy_direction'],
    http: {
      [kind]: {
        ...rest,
        ...(headers ? { headers: vizHeaders(headers, ignored) } : {}),
        ...(trailers ? { trailers: vizHeaders(trailers, ignored) } : {}),
      },
    },
  };
}

function vizHeaders({ headers = [] }: Message, ignored: Set<string>): Message {
  return {
    headers: (headers as { name: string; value?: Uint8Array }[])
      .filter(({ name }) => !ignored.has(name))
      .map(({ name, value = new Uint8Array() }) => {
        try {
          return { name, value_str: new TextDecoder('utf-8', { fatal: true }).decode(value) };
        } catch {
          return { name, value_bin: value };
        }
      }),
  };
}
