import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { uuid } from '#base/ids.ts';
import type { UserInfo } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';

export const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const INVALIDATED = 'service account token has been invalidated';
const DEFAULT_AUDIENCE = ISSUER;

export interface BoundObject {
  kind: 'Pod' | 'Secret' | 'Node';
  name: string;
  uid: string;
}

interface Claims {
  iss: string;
  sub: string;
  aud: string[];
  exp: number;
  iat: number;
  nbf: number;
  jti: string;
  'kubernetes.io': {
    namespace: string;
    serviceaccount: { name: string; uid: string };
    pod?: { name: string; uid: string };
    node?: { name: string; uid: string };
    secret?: { name: string; uid: string };
  };
}

/** How many tokens are remembered whose signature is known to be good. */
const MOST_REMEMBERED = 1000;

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * An ECDSA signature over P-256 as JWTs carry it: r and s of 32 bytes each, taken from DER. OpenSSL can write it so
 * itself, but takes as long for that as for signing.
 */
function joseSignature(signature: Buffer): Buffer {
  const out = Buffer.alloc(64);
  // SEQUENCE, its length, then two INTEGERs, which may have a zero in front or be short.
  for (let at = 2, end = 32; end <= 64; end += 32) {
    const next = at + 2 + signature[at + 1]!;
    const from = Math.max(at + 2, next - 32);
    signature.copy(out, end - (next - from), from, next);
    at = next;
  }
  return out;
}

/** Signs and checks the tokens of service accounts: JWTs (ES256) with the claims of upstream, bound to living objects. */
export class ServiceAccountTokens {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #keys: { privateKey: KeyObject; publicKey: KeyObject };
  readonly #head: string;
  readonly #good = new Map<string, Claims>();

  /** `key` as `exportKey` gave it: tokens that it signed stay good. */
  constructor(store: Store, clock: Clock, key?: string) {
    this.#store = store;
    this.#clock = clock;
    this.#keys =
      key === undefined
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : { privateKey: createPrivateKey(key), publicKey: createPublicKey(key) };
    const spki = this.#keys.publicKey.export({ type: 'spki', format: 'der' });
    const kid = createHmac('sha256', 'kid').update(spki).digest('base64url').slice(0, 16);
    this.#head = part({ alg: 'ES256', kid });
  }

  /** The signing key, PKCS#8 PEM. */
  exportKey(): string {
    return this.#keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  }

  issue(o: {
    namespace: string;
    name: string;
    uid: string;
    audiences: string[];
    seconds: number;
    bound?: BoundObject;
    node?: { name: string; uid: string };
  }): { token: string; expiresAt: number } {
    const iat = Math.floor(this.#clock.now() / 1000);
    const claims: Claims = {
      aud: o.audiences.length > 0 ? o.audiences : [DEFAULT_AUDIENCE],
      exp: iat + o.seconds,
      iat,
      iss: ISSUER,
      jti: uuid(),
      'kubernetes.io': {
        namespace: o.namespace,
        ...(o.node ? { node: o.node } : {}),
        ...(o.bound ? { [o.bound.kind.toLowerCase()]: { name: o.bound.name, uid: o.bound.uid } } : {}),
        serviceaccount: { name: o.name, uid: o.uid },
      },
      nbf: iat,
      sub: `system:serviceaccount:${o.namespace}:${o.name}`,
    };
    const signed = `${this.#head}.${part(claims)}`;
    const signature = joseSignature(sign('sha256', Buffer.from(signed), this.#keys.privateKey));
    const token = `${signed}.${signature.toString('base64url')}`;
    this.#remember(token, claims);
    return { token, expiresAt: claims.exp * 1000 };
  }

  /** The user behind a token and the audiences it was issued for that are among those asked for. */
  check(
    token: string,
    audiences: string[] = [DEFAULT_AUDIENCE],
  ): { user: UserInfo; audiences: string[] } | { error: string } {
    const claims = this.#verified(token);
    if (typeof claims === 'string') return { error: claims };
    const shared = claims.aud.filter((audience) => audiences.includes(audience));
    if (shared.length === 0)
      return {
        error: `token audiences ${JSON.stringify(claims.aud)} is invalid for the target audiences ${JSON.stringify(audiences)}`,
      };
    const k8s = claims['kubernetes.io'];
    const account = this.#store.get('/serviceaccounts', k8s.namespace, k8s.serviceaccount.name);
    const { name, uid } = k8s.serviceaccount;
    if (!account) return { error: `serviceaccounts ${JSON.stringify(name)} not found` };
    if (account.metadata.uid !== uid) {
      return { error: `service account UID (${account.metadata.uid}) does not match claim (${uid})` };
    }
    if (k8s.pod) {
      const pod = this.#store.get('/pods', k8s.namespace, k8s.pod.name);
      if (!pod) return { error: INVALIDATED };
      if (pod.metadata.uid !== k8s.pod.uid) {
        return {
          error: `pod UID (${pod.metadata.uid}) does not match service account pod ref claim (${k8s.pod.uid})`,
        };
      }
    }
    if (k8s.secret) {
      const secret = this.#store.get('/secrets', k8s.namespace, k8s.secret.name);
      if (secret?.metadata.uid !== k8s.secret.uid) return { error: INVALIDATED };
    }
    return {
      audiences: shared,
      user: {
        username: claims.sub,
        uid: account.metadata.uid!,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${k8s.namespace}`, 'system:authenticated'],
        extra: {
          'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`],
          ...(k8s.pod
            ? {
                'authentication.kubernetes.io/pod-name': [k8s.pod.name],
                'authentication.kubernetes.io/pod-uid': [k8s.pod.uid],
              }
            : {}),
        },
      },
    };
  }

  #remember(token: string, claims: Claims): void {
    if (this.#good.size >= MOST_REMEMBERED) this.#good.delete(this.#good.keys().next().value as string);
    this.#good.set(token, claims);
  }

  #verified(token: string): Claims | string {
    const claims = this.#good.get(token) ?? this.#signed(token);
    if (!claims) return 'invalid bearer token';
    const now = this.#clock.now() / 1000;
    if (now >= claims.exp) return 'service account token has expired';
    if (now + 60 < claims.nbf) return 'service account token is not valid yet';
    return claims;
  }

  #signed(token: string): Claims | undefined {
    const parts = token.split('.');
    if (parts.length !== 3) return undefined;
    const signature = Buffer.from(parts[2]!, 'base64url');
    const ok = verify(
      'sha256',
      Buffer.from(`${parts[0]}.${parts[1]}`),
      { key: this.#keys.publicKey, dsaEncoding: 'ieee-p1363' },
      signature,
    );
    if (!ok) return undefined;
    const claims = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString()) as Claims;
    this.#remember(token, claims);
    return claims;
  }
}
