/* biome-ignore-all lint/suspicious/noExplicitAny: the spec of a Certificate is plain JSON that its CRD holds to a shape. */
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { KubeObject } from '#kube/api/types.ts';
import { dnsNamesOf, urisOf } from '#pki/certificate.ts';
import { keysMatch } from '#pki/keys.ts';
import { renewalTime } from './lifetime.ts';
import { GROUP, goTime, same, secretText } from './objects.ts';
import { mismatches, readKey } from './private-key.ts';
import { firstCertificate } from './signing.ts';

/** Why a certificate is to be issued, or is not good as it is. */
export interface Reason {
  reason: string;
  message: string;
}

export interface CertificateState {
  certificate: KubeObject;
  secret: KubeObject | undefined;
  /** The request that the present revision came from, when it is still there. */
  request: KubeObject | undefined;
  now: number;
}

export const issuerRefOf = (spec: any) => ({
  name: spec.issuerRef?.name ?? '',
  kind: spec.issuerRef?.kind ?? 'Issuer',
  group: spec.issuerRef?.group ?? GROUP,
});

/** A certificate and a key as they are read, and whether they belong together. */
interface Pair {
  held: X509Certificate | undefined;
  key: KeyObject | undefined;
  match: boolean;
}

const pairs = new Map<string, Pair>();
const MOST_PAIRS = 64;

/** The same Secret is looked at many times while its successor is made; it is read once. */
function pairOf(pem: string, keyPem: string): Pair {
  const known = pairs.get(pem + keyPem);
  if (known) return known;
  const held = firstCertificate(pem);
  const key = readKey(keyPem);
  const made = { held, key, match: held !== undefined && key !== undefined && keysMatch(held.publicKey, key) };
  if (pairs.size >= MOST_PAIRS) pairs.delete(pairs.keys().next().value as string);
  pairs.set(pem + keyPem, made);
  return made;
}

/** Dates of the certificate in a Secret, and when it is due; undefined when it holds none. */
export function datesOf(secret: KubeObject | undefined, spec: any) {
  const { held } = pairOf(secretText(secret, 'tls.crt') ?? '', secretText(secret, 'tls.key') ?? '');
  if (!held) return undefined;
  const notBefore = Date.parse(held.validFrom);
  const notAfter = Date.parse(held.validTo);
  return { notBefore, notAfter, renewalTime: renewalTime(spec, notBefore, notAfter) };
}

/** What is wrong with what is held, apart from its age; undefined when it is as the Certificate asks. */
function fault({ certificate, secret, request }: CertificateState): Reason | undefined {
  const spec = certificate['spec'];
  if (!secret) return { reason: 'DoesNotExist', message: 'Issuing certificate as Secret does not exist' };
  const pem = secretText(secret, 'tls.crt');
  const keyPem = secretText(secret, 'tls.key');
  const missing = (what: string): Reason => ({
    reason: 'MissingData',
    message: `Issuing certificate as Secret does not contain ${what}`,
  });
  if (!secret['data'] || Object.keys(secret['data']).length === 0) return missing('any data');
  if (!keyPem) return missing('a private key');
  if (!pem) return missing('a certificate');
  const { held, key, match } = pairOf(pem, keyPem);
  const invalid = (why: string): Reason => ({
    reason: 'InvalidKeyPair',
    message: `Issuing certificate as Secret contains an invalid key-pair: ${why}`,
  });
  if (!key) return invalid('tls: failed to find any PEM data in key input');
  if (!held)
    return {
      reason: 'InvalidCertificate',
      message: 'Issuing certificate as Secret contains an invalid certificate: error decoding certificate PEM block',
    };
  if (!match) return invalid('tls: private key does not match public key');
  const annotations = secret.metadata.annotations ?? {};
  const ref = issuerRefOf(spec);
  const was = [
    annotations['cert-manager.io/issuer-kind'],
    annotations['cert-manager.io/issuer-group'],
    annotations['cert-manager.io/issuer-name'],
  ];
  if (!same(was, [ref.kind, ref.group, ref.name]))
    return {
      reason: 'IncorrectIssuer',
      message: `Issuing certificate as Secret was previously issued by "${was[0] ?? ''}.${was[1] ?? ''}/${was[2] ?? ''}"`,
    };
  const wrongKey = mismatches(key, spec.privateKey ?? {});
  if (wrongKey.length > 0)
    return {
      reason: 'SecretMismatch',
      message: `Existing private key is not up to date for spec: [${wrongKey.join(' ')}]`,
    };
  const names = nameMismatches(held, spec);
  if (request) {
    const changed = [...names, ...requestMismatches(request, spec)];
    if (changed.length > 0)
      return {
        reason: 'RequestChanged',
        message: `Fields on existing CertificateRequest resource not up to date: [${changed.join(' ')}]`,
      };
  }
  if (names.length > 0)
    return {
      reason: 'SecretMismatch',
      message: `Issuing certificate as Existing issued Secret is not up to date for spec: [${names.join(' ')}]`,
    };
  return undefined;
}

/** Why a certificate has to be issued now; undefined when it need not be. */
export function whyIssue(state: CertificateState): Reason | undefined {
  const wrong = fault(state);
  if (wrong) return wrong;
  const dates = datesOf(state.secret, state.certificate['spec']);
  if (!dates || state.now < dates.renewalTime) return undefined;
  return {
    reason: 'Renewing',
    message: `Renewing certificate as renewal was scheduled at ${goTime(dates.renewalTime)}`,
  };
}

/** Why what is held cannot be used; undefined when it can. */
export function whyNotReady(state: CertificateState): Reason | undefined {
  const wrong = fault(state);
  if (wrong) return wrong;
  const dates = datesOf(state.secret, state.certificate['spec']);
  if (!dates || state.now <= dates.notAfter) return undefined;
  return {
    reason: 'Expired',
    message: `Certificate expired on ${new Date(dates.notAfter).toUTCString().replace('GMT', 'UTC')}`,
  };
}

/** Fields of a Certificate that an existing request was not made for. */
export function requestMismatches(request: KubeObject, spec: any): string[] {
  const asked = request['spec'];
  const fields: [string, unknown, unknown][] = [
    ['spec.duration', asked.duration, spec.duration],
    ['spec.isCA', asked.isCA ?? false, spec.isCA ?? false],
    ['spec.usages', usagesOf(asked.usages), usagesOf(spec.usages)],
    ['spec.issuerRef', issuerRefOf(asked), issuerRefOf(spec)],
  ];
  return fields.flatMap(([name, a, b]) => (same(a, b) ? [] : [name]));
}

const usagesOf = (usages: string[] | undefined): string[] =>
  [...(usages?.length ? usages : ['digital signature', 'key encipherment'])].sort();

function nameMismatches(held: X509Certificate, spec: any): string[] {
  const commonName = /(?:^|\n)CN=([^\n]*)/.exec(held.subject ?? '')?.[1] ?? '';
  const organizations = [...(held.subject ?? '').matchAll(/(?:^|\n)O=([^\n]*)/g)].map(([, each]) => each!);
  const sorted = (list: string[] | undefined) => [...(list ?? [])].sort();
  const addresses = (held.subjectAltName ?? '').split(', ').filter((each) => each.startsWith('IP Address:'));
  const fields: [string, unknown, unknown][] = [
    ['spec.commonName', commonName, spec.commonName ?? ''],
    ['spec.subject.organizations', sorted(organizations), sorted(spec.subject?.organizations)],
    ['spec.dnsNames', sorted(dnsNamesOf(held)), sorted(spec.dnsNames)],
    ['spec.uris', sorted(urisOf(held)), sorted(spec.uris)],
    ['spec.ipAddresses', addresses.length, (spec.ipAddresses ?? []).length],
  ];
  return fields.flatMap(([name, a, b]) => (same(a, b) ? [] : [name]));
}
