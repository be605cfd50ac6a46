import { parseGoDuration } from '#base/go-duration.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { changed, type Desk } from './controller.ts';
import { DEFAULT_DURATION_MS } from './lifetime.ts';
import {
  base64,
  type Condition,
  conditionOf,
  find,
  GROUP,
  isTrue,
  keyOf,
  secretText,
  splitKey,
  TARGETS,
  withCondition,
  writeStatus,
} from './objects.ts';
import { readKey } from './private-key.ts';
import { readAuthority, type Signed, signByCa, signBySelf } from './signing.ts';
import { WorkQueue } from './work-queue.ts';

const KEY_SECRET = 'cert-manager.io/private-key-secret-name';
const APPROVED = 'Certificate request has been approved by cert-manager.io';
const ISSUED = 'Certificate fetched from issuer successfully';

/** What becomes of a request: signed, refused for good, or waiting for something. */
type Outcome = { signed: Signed } | { failed: string } | { waits: string; reason: string };

/** Approves the requests for issuers of this group, and has them signed. */
export function runRequests(desk: Desk): void {
  const { client, clock, life } = desk;
  const approver = desk.events('cert-manager-certificaterequests-approver');
  const requests = desk.informer(TARGETS.requests);

  const look = async (key: string): Promise<void> => {
    const [namespace, name] = splitKey(key);
    let request = await find(client, TARGETS.requests, name, namespace);
    if (!request || request.metadata.deletionTimestamp) return;
    if ((request['spec'].issuerRef?.group || GROUP) !== GROUP) return;
    if (isFinished(request)) return;
    if (!isTrue(request, 'Approved')) {
      request = await set(request, { type: 'Approved', status: 'True', reason: GROUP, message: APPROVED });
      approver.record(request, 'Normal', GROUP, APPROVED);
    }
    const outcome = await order(request);
    const signer = desk.events(`cert-manager-certificaterequests-issuer-${outcome.by}`);
    if ('waits' in outcome) {
      if (conditionOf(request, 'Ready')?.message !== outcome.waits)
        signer.record(request, 'Normal', outcome.reason, outcome.waits);
      await set(request, { type: 'Ready', status: 'False', reason: 'Pending', message: outcome.waits });
    } else if ('failed' in outcome) {
      const failureTime = rfc3339(clock.now());
      await set(
        request,
        { type: 'Ready', status: 'False', reason: 'Failed', message: outcome.failed },
        { failureTime },
      );
      signer.record(request, 'Warning', 'SigningError', outcome.failed);
    } else {
      await set(
        request,
        { type: 'Ready', status: 'True', reason: 'Issued', message: ISSUED },
        { certificate: base64(outcome.signed.certificate), ca: base64(outcome.signed.ca) },
      );
      signer.record(request, 'Normal', 'CertificateIssued', ISSUED);
    }
  };

  const set = (request: KubeObject, condition: Condition, rest: object = {}): Promise<KubeObject> =>
    writeStatus(client, TARGETS.requests, request, {
      ...request['status'],
      ...rest,
      conditions: withCondition(request['status']?.conditions, condition, clock.now()),
    });

  const order = async (request: KubeObject): Promise<Outcome & { by: 'ca' | 'selfsigned' }> => {
    const { spec, metadata } = request;
    const { name, kind = 'Issuer' } = spec.issuerRef;
    const isCluster = kind === 'ClusterIssuer';
    const issuer = await find(
      client,
      isCluster ? TARGETS.clusterIssuers : TARGETS.issuers,
      name,
      isCluster ? undefined : metadata.namespace,
    );
    if (!issuer) {
      const resource = `${kind.toLowerCase()}.${GROUP}`;
      return {
        by: 'ca',
        reason: 'IssuerNotFound',
        waits: `Referenced "${kind}" not found: ${resource} "${name}" not found`,
      };
    }
    const by = issuer['spec'].ca ? 'ca' : 'selfsigned';
    if (!isTrue(issuer, 'Ready'))
      return { by, reason: 'IssuerNotReady', waits: 'Referenced issuer does not have a Ready status condition' };
    const notBefore = Math.floor(clock.now() / 1000) * 1000;
    const wanted = {
      request: Buffer.from(spec.request, 'base64').toString('utf8'),
      isCa: spec.isCA === true,
      usages: spec.usages,
      notBefore,
      notAfter: notBefore + (parseGoDuration(spec.duration) ?? DEFAULT_DURATION_MS),
    };
    const from =
      by === 'ca'
        ? {
            name: issuer['spec'].ca.secretName,
            namespace: isCluster ? desk.clusterResourceNamespace : metadata.namespace!,
          }
        : { name: metadata.annotations?.[KEY_SECRET] ?? '', namespace: metadata.namespace! };
    if (!from.name) return { by, failed: `Annotation "${KEY_SECRET}" missing or reference empty: secret name missing` };
    const secret = await find(client, TARGETS.secrets, from.name, from.namespace);
    const key = readKey(secretText(secret, 'tls.key'));
    if (!secret || !key)
      return { by, reason: 'SecretMissing', waits: `Referenced secret ${from.namespace}/${from.name} not found` };
    try {
      if (by === 'selfsigned') return { by, signed: signBySelf(wanted, key) };
      return { by, signed: signByCa(wanted, readAuthority(secretText(secret, 'tls.crt') ?? '', key)) };
    } catch (error) {
      return { by, failed: `Error signing certificate: ${(error as Error).message}` };
    }
  };

  const queue = new WorkQueue(clock, look, desk.failed('certificaterequests'));
  life.add(() => queue.close());
  requests.onChange(({ type, object }) => type !== 'delete' && queue.add(keyOf(object)));
  // Whoever waits for an issuer is looked at again when one changes.
  const again = changed(() => {
    for (const request of requests.list()) if (!isFinished(request)) queue.add(keyOf(request));
  });
  for (const target of [TARGETS.issuers, TARGETS.clusterIssuers]) desk.informer(target).onChange(again);
}

/** Signed, denied or failed: nothing more will happen to it. */
export function isFinished(request: KubeObject): boolean {
  const ready = conditionOf(request, 'Ready');
  return isTrue(request, 'Denied') || ready?.status === 'True' || ready?.reason === 'Failed';
}
