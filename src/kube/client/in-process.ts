import type { ApiHandler } from '#kube/api/http.ts';
import type { UserInfo } from '#kube/api/types.ts';
import type { Transport } from './client.ts';

/**
 * Requests straight into an API server of the same thread. Objects travel by reference, nothing is parsed or copied.
 * `who` is either a user that the caller vouches for, or a bearer token that the server looks up; a request that brings
 * a token of its own goes by that.
 */
export function createInProcessTransport(handler: ApiHandler, who: UserInfo | { token: string }): Transport {
  const stamp = <R extends { headers: Record<string, string> }>(request: R) =>
    request.headers.authorization
      ? request
      : 'token' in who
        ? { ...request, headers: { ...request.headers, authorization: `Bearer ${who.token}` } }
        : { ...request, user: who };
  return {
    request: (request) => handler.handle(stamp(request)),
    connect: (request, protocols) => handler.connect(stamp(request), protocols),
    close() {},
  };
}
