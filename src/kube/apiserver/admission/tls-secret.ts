import { X509Certificate } from 'node:crypto';
import type { KubeObject } from '#kube/api/types.ts';
import { keysMatch, parsePrivateKey } from '#pki/keys.ts';
import type { AdmissionPlugin } from '../seams.ts';

/** A `kubernetes.io/tls` Secret whose pair is no good is stored with a warning. Source: registry/core/secret/strategy, crypto/tls. */
export const tlsSecretWarnings: AdmissionPlugin = {
  name: 'TLSSecretWarnings',
  concerns: ['secrets'],
  async validate({ operation, group, resource, subresource }, object, _old, warn) {
    if (operation === 'DELETE' || group !== '' || resource !== 'secrets' || subresource) return;
    const problem = object?.['type'] === 'kubernetes.io/tls' ? pairProblem(object) : undefined;
    if (problem) warn(problem);
  },
};

function pairProblem(secret: KubeObject): string | undefined {
  const text = (key: string) => Buffer.from(secret['data']?.[key] ?? '', 'base64').toString();
  const [certificate, key] = [text('tls.crt'), text('tls.key')];
  if (!certificate.includes('-----BEGIN')) return 'tls: failed to find any PEM data in certificate input';
  if (!key.includes('-----BEGIN')) return 'tls: failed to find any PEM data in key input';
  try {
    return keysMatch(new X509Certificate(certificate).publicKey, parsePrivateKey(key))
      ? undefined
      : 'tls: private key does not match public key';
  } catch {
    return 'x509: malformed certificate';
  }
}
