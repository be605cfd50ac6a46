import type { Answer, Exchange } from './exchange.ts';
import { type ProfileRoute, profileClass } from './service-profile.ts';

/** UNKNOWN, DEADLINE_EXCEEDED, PERMISSION_DENIED, INTERNAL, UNAVAILABLE, DATA_LOSS (linkerd.md 4.4). */
export const GRPC_FAILURE_CODES = [2, 4, 7, 13, 14, 15];
const GRPC_FAILURES = new Set(GRPC_FAILURE_CODES.map(String));

export const isGrpcFailure = (status: string): boolean => GRPC_FAILURES.has(status);

/** Whether a response that is over was a failure, by the route's classes first; with its gRPC status where that decided. */
export function classified(
  answer: Answer,
  complete: boolean,
  route?: ProfileRoute,
): { failed: boolean; grpcStatus: string | undefined } {
  const named = route && profileClass(route, answer.status);
  const grpcStatus = named === undefined ? grpcStatusOf(answer) : undefined;
  const failed = named ?? (answer.status >= 500 || (grpcStatus !== undefined && isGrpcFailure(grpcStatus)));
  // Who leaves before the end makes no failure of it; a body that broke off does.
  const broken = !complete && answer.body !== undefined && answer.body.errored !== null;
  return { failed: broken || failed, grpcStatus };
}

/** The gRPC status of an answer as far as it is known: in the head, or in the trailers once they came. */
export function grpcStatusOf(answer: Answer): string | undefined {
  const status = answer.trailers?.()?.['grpc-status'] ?? answer.headers['grpc-status'];
  return status === undefined ? undefined : String(status);
}

/** Tells once whether an answer is a failure: at once where the head says so, else when its body has ended. */
export function onClassified(exchange: Exchange, answer: Answer, tell: (failed: boolean) => void): void {
  const inHead = answer.headers['grpc-status'];
  if (answer.status >= 500) return tell(true);
  if (inHead !== undefined) return tell(isGrpcFailure(String(inHead)));
  if (!exchange.isGrpc) return tell(false);
  if (!answer.body) {
    const status = grpcStatusOf(answer);
    return tell(status !== undefined && isGrpcFailure(status));
  }
  const { body } = answer;
  let told = false;
  const once = (failed: boolean) => {
    if (told) return;
    told = true;
    tell(failed);
  };
  body.once('end', () => {
    const status = grpcStatusOf(answer);
    once(status !== undefined && isGrpcFailure(status));
  });
  body.once('error', () => once(true));
  body.once('close', () => once(!body.readableEnded));
}

/** Whether a gRPC answer's status is among these; waits for the end of an answer without messages. */
export async function hasGrpcStatus(answer: Answer, codes: number[]): Promise<boolean> {
  const inHead = answer.headers['grpc-status'];
  if (inHead === undefined && answer.body && !answer.body.readableEnded) {
    const { body } = answer;
    await new Promise<void>((resolve) => {
      body.once('readable', resolve);
      body.once('end', resolve);
      body.once('error', () => resolve());
      body.once('close', () => resolve());
    });
    if (body.readableLength === 0 && !body.readableEnded) {
      // Nothing came but the end: reading it lets the trailers through.
      body.read();
      await new Promise<void>((resolve) => {
        if (body.readableEnded || body.destroyed) return resolve();
        body.once('end', resolve);
        body.once('close', () => resolve());
      });
    }
  }
  const status = grpcStatusOf(answer);
  return status !== undefined && codes.includes(Number(status));
}
