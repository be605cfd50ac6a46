import { timingSafeEqual } from 'node:crypto';
import type { UserInfo } from '#kube/api/types.ts';
import type { Authenticator } from '../seams.ts';
import type { ServiceAccountTokens } from './tokens.ts';

export const ADMIN: UserInfo = {
  username: 'kubernetes-admin',
  groups: ['kubeadm:cluster-admins', 'system:masters', 'system:authenticated'],
};

/** Bearer tokens: those given at creation, and those of service accounts. */
export function createAuthenticator(
  tokens: ServiceAccountTokens,
  given: { token: string; user: UserInfo }[],
): Authenticator {
  return (request) => {
    const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!token) return undefined;
    const known = given.find((entry) => equal(entry.token, token));
    if (known) return known.user;
    const checked = tokens.check(token);
    return 'user' in checked ? checked.user : undefined;
  };
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
