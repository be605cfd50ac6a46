import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { GrpcChannel, GrpcError, type Method } from '#mesh/api/grpc.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { Failure, type Invocation } from '../verb.ts';

const CODES: Record<number, string> = {
  2: 'Unknown',
  3: 'InvalidArgument',
  5: 'NotFound',
  7: 'PermissionDenied',
  12: 'Unimplemented',
  13: 'Internal',
  14: 'Unavailable',
};
const PORT = 8085;

/** Asks a pod of the metrics API over a port-forward. Throws GrpcErrors. */
export async function askMetricsApi(
  { client, context }: Pick<Invocation, 'client' | 'context'>,
  { metadata }: KubeObject,
  method: Method,
  request: Message,
): Promise<Message> {
  const { signal } = context;
  const stream = await client.portForward(metadata.namespace ?? '', metadata.name ?? '', PORT, signal);
  const channel = new GrpcChannel(stream, `localhost:${PORT}`);
  try {
    return await channel.unary(method, request, { signal });
  } finally {
    channel.close();
  }
}

/** How Go prints a failure of a call; undefined for failures of other kinds. */
export function answeredText(error: unknown): string | undefined {
  if (error instanceof GrpcError) return `rpc error: code = ${CODES[error.code] ?? error.code} desc = ${error.message}`;
  return error instanceof StatusError ? error.message : undefined;
}

/** The answer; a failure of the call ends the command, as the commands of the extension say it. */
export async function answered(name: string, asked: Promise<Message>): Promise<Message> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Failure) throw error;
    const text = answeredText(error);
    if (text === undefined) throw error;
    throw new Failure(`${name} API error: ${text}`, { newline: false });
  }
}
