import { isAbort } from '#base/errors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Target } from '#kube/client/client.ts';
import { CliError, isStatus } from './errors.ts';
import type { Invocation } from './verb.ts';

export interface Watched {
  target: Target;
  name: string;
  uid?: string | undefined;
}

/** Called with each state of the object, undefined when there is none. Truthy ends the wait. */
export type Until = (object: KubeObject | undefined) => boolean | Promise<boolean>;

/** True once the object, or the one with its uid, is no more. */
export const isGone =
  ({ uid }: Watched): Until =>
  (object) =>
    object === undefined || (uid !== undefined && object.metadata.uid !== uid);

const TIMED_OUT = Symbol('timed out');

/** Follows one object until `until` says so. Refuses with kubectl's words when the time is over. */
export async function watchUntil(
  k: Invocation,
  watched: Watched,
  timeoutMs: number,
  until: Until,
  timeoutText = 'timed out waiting for the condition',
): Promise<void> {
  const { target, name } = watched;
  const limit = new AbortController();
  const timer = k.clock.setTimeout(() => limit.abort(TIMED_OUT), timeoutMs);
  const signal = AbortSignal.any([k.context.signal, limit.signal]);
  try {
    for (;;) {
      const list = await k.client.list(target, { fieldSelector: `metadata.name=${name}`, signal });
      if (await until(list.items[0])) return;
      const watch = k.client.watch(target, {
        fieldSelector: `metadata.name=${name}`,
        ...(list.metadata.resourceVersion ? { resourceVersion: list.metadata.resourceVersion } : {}),
        signal,
      });
      for await (const event of watch) {
        if (event.type === 'ERROR') break;
        if (event.type === 'BOOKMARK') continue;
        if (await until(event.type === 'DELETED' ? undefined : event.object)) return;
      }
      if (limit.signal.aborted) throw new CliError(timeoutText);
      k.context.signal.throwIfAborted();
    }
  } catch (error) {
    if (limit.signal.aborted && (isAbort(error) || error === TIMED_OUT)) throw new CliError(timeoutText);
    if (isStatus(error, 'NotFound') && (await until(undefined))) return;
    throw error;
  } finally {
    timer.cancel();
  }
}
