import type { GET } from '#mesh/api/destination-api.ts';
import { GrpcChannel, type GrpcError } from '#mesh/api/grpc.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { Failure, type Invocation } from '../verb.ts';

export const DESTINATION_POD = {
  name: 'destination-pod',
  type: 'string' as const,
  usage: 'Target a specific destination Pod when there are multiple running',
};

/** Where `destination` answers, in a pod that has the policy controller as well. */
const DESTINATION_PORT = 8086;

/** A gRPC connection to a port of a running destination pod, by port-forward. */
export async function controller(invocation: Invocation, port: number): Promise<GrpcChannel> {
  const { client, controlPlane, flags, context } = invocation;
  const target = { group: '', version: 'v1', resource: 'pods', namespace: controlPlane };
  const list = await client.list(target, { labelSelector: 'linkerd.io/control-plane-component=destination' });
  const wanted = flags.values.get('destination-pod');
  const pod = list.items.find((each) => each.status?.phase === 'Running' && (!wanted || each.metadata.name === wanted));
  if (!pod && wanted) throw new Failure(`not found: destination pod ${wanted} in namespace ${controlPlane}`);
  if (!pod) {
    const said = port === DESTINATION_PORT ? 'Error creating destination client: ' : '';
    throw new Failure(`${said}no running pods found for linkerd-destination`);
  }
  return new GrpcChannel(await client.portForward(controlPlane, pod.metadata.name!, port, context.signal));
}

/** How long the first answer is waited for. */
const ANSWER_MS = 5_000;

/** The first message of a stream; undefined when it ends without one. */
export async function first(
  invocation: Invocation,
  channel: GrpcChannel,
  method: typeof GET,
  request: Message,
): Promise<Message | undefined> {
  const abort = new AbortController();
  const timer = invocation.clock.setTimeout(() => abort.abort(new Failure('timed out')), ANSWER_MS);
  try {
    for await (const message of channel.stream(method, request, { signal: abort.signal })) return message;
    return undefined;
  } finally {
    timer.cancel();
  }
}

const CODES: Record<number, string> = {
  2: 'Unknown',
  3: 'InvalidArgument',
  5: 'NotFound',
  13: 'Internal',
  14: 'Unavailable',
};
/** As Go prints a gRPC error. */
export const rpcError = (error: GrpcError): string =>
  `rpc error: code = ${CODES[error.code] ?? error.code} desc = ${error.message}`;
