/* biome-ignore-all lint/suspicious/noExplicitAny: the spec and status of a Certificate are plain JSON. */

import type { KeyObject } from 'node:crypto';
import { nameSuffix } from '#base/ids.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import { ownedBy } from '#kube/api/owner.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { readRequest } from '#pki/structure.ts';
import { certificateSecret } from './certificate-secret.ts';
import { datesOf, issuerRefOf, type Reason, requestMismatches, whyIssue, whyNotReady } from './certificate-state.ts';
import { changed, type Desk } from './controller.ts';
import { backoffMs, lifetimeFault } from './lifetime.ts';
import {
  base64,
  conditionOf,
  find,
  isTrue,
  keyOf,
  secretText,
  splitKey,
  TARGETS,
  withCondition,
  withoutCondition,
  writeStatus,
} from './objects.ts';
import { encodeKey, makeKey, mismatches, readKey } from './private-key.ts';
import { isFinished } from './requests.ts';
import { makeRequest, requestOf } from './signing.ts';
import { WorkQueue } from './work-queue.ts';

const NEXT_KEY = 'cert-manager.io/next-private-key';
const NAME = 'cert-manager.io/certificate-name';
const REVISION = 'cert-manager.io/certificate-revision';
const ISSUED = 'The certificate has been successfully issued';
const DEFAULT_HISTORY = 1;

/**
 * Keeps a Secret for each Certificate: has one issued when there is none, when it is not what is asked for, and when it
 * is due for renewal. Each issuance is a key in a Secret of its own, a CertificateRequest, and at its end the revision.
 */
export function runCertificates(desk: Desk): void {
  const { client, clock, life } = desk;
  const certificates = desk.informer(TARGETS.certificates);
  const trigger = desk.events('cert-manager-certificates-trigger');
  const keys = desk.events('cert-manager-certificates-key-manager');
  const ordering = desk.events('cert-manager-certificates-request-manager');
  const issuing = desk.events('cert-manager-certificates-issuing');

  const look = async (key: string): Promise<void> => {
    const [namespace, name] = splitKey(key);
    const found = await find(client, TARGETS.certificates, name, namespace);
    if (!found || found.metadata.deletionTimestamp) return;
    const state = await stateOf(found);
    const wrong = lifetimeFault(found['spec']);
    const certificate = await judge(found, state, wrong);
    if (wrong) return;
    if (isTrue(certificate, 'Issuing')) await issue(certificate, state.secret);
    else await tidy(certificate);
  };

  const stateOf = async (certificate: KubeObject) => {
    const { metadata, spec, status } = certificate;
    const [secret, request] = await Promise.all([
      find(client, TARGETS.secrets, spec.secretName, metadata.namespace),
      status?.revision
        ? find(client, TARGETS.requests, `${metadata.name}-${status.revision}`, metadata.namespace)
        : undefined,
    ]);
    return { certificate, secret, request, now: clock.now() };
  };

  /** Writes what is known of the certificate at hand, and whether a new one is to be made. */
  const judge = async (
    certificate: KubeObject,
    state: Awaited<ReturnType<typeof stateOf>>,
    wrong: string | undefined,
  ): Promise<KubeObject> => {
    const { spec, status = {}, metadata } = certificate;
    const { now } = state;
    const observed = metadata.generation === undefined ? {} : { observedGeneration: metadata.generation };
    const notReady: Reason | undefined = wrong ? { reason: 'Invalid', message: wrong } : whyNotReady(state);
    const dates = datesOf(state.secret, spec);
    let conditions = withCondition(
      status.conditions,
      {
        type: 'Ready',
        status: notReady ? 'False' : 'True',
        reason: notReady?.reason ?? 'Ready',
        message: notReady?.message ?? 'Certificate is up to date and has not expired',
        ...observed,
      },
      now,
    );
    const issue = isTrue(certificate, 'Issuing') || wrong ? undefined : whyIssue(state);
    const retryAt = status.lastFailureTime
      ? Date.parse(status.lastFailureTime) + backoffMs(status.failedIssuanceAttempts ?? 1)
      : 0;
    if (issue && now < retryAt) queue.addAt(keyOf(certificate), retryAt);
    else if (issue)
      conditions = withCondition(conditions, { type: 'Issuing', status: 'True', ...issue, ...observed }, now);
    else if (dates && now < dates.renewalTime) queue.addAt(keyOf(certificate), dates.renewalTime);
    const { notBefore: _b, notAfter: _a, renewalTime: _r, ...rest } = status;
    const next = {
      ...rest,
      conditions,
      ...(dates
        ? {
            notBefore: rfc3339(dates.notBefore),
            notAfter: rfc3339(dates.notAfter),
            renewalTime: rfc3339(dates.renewalTime),
          }
        : {}),
    };
    const written = await writeStatus(client, TARGETS.certificates, certificate, next);
    if (issue && now >= retryAt) trigger.record(certificate, 'Normal', 'Issuing', issue.message);
    return written;
  };

  /** Takes an issuance as far as it gets: the key, the request, and what came of it. */
  const issue = async (certificate: KubeObject, secret: KubeObject | undefined): Promise<void> => {
    const next = await keyFor(certificate, secret);
    if (!next) return;
    const request = await requestFor(next.certificate, next.key);
    if (!request || !isFinished(request)) return;
    if (isTrue(request, 'Ready')) await store(next.certificate, request, next.key);
    else await give(next.certificate, request);
  };

  const keyFor = async (certificate: KubeObject, secret: KubeObject | undefined) => {
    const { spec, status = {}, metadata } = certificate;
    const wanted = spec.privateKey ?? {};
    const namespace = metadata.namespace!;
    const name: string | undefined = status.nextPrivateKeySecretName;
    const stored = name ? await find(client, TARGETS.secrets, name, namespace) : undefined;
    const ready = readKey(secretText(stored, 'tls.key'));
    if (ready && mismatches(ready, wanted).length === 0) return { certificate, key: ready };
    if (stored) await client.delete({ ...TARGETS.secrets, namespace }, name!).catch(() => {});
    const present = wanted.rotationPolicy === 'Never' ? readKey(secretText(secret, 'tls.key')) : undefined;
    const unfit = present ? mismatches(present, wanted) : [];
    if (unfit.length > 0) {
      keys.record(
        certificate,
        'Warning',
        'CannotRegenerateKey',
        `User intervention required: existing private key in Secret "${spec.secretName}" does not match requirements on Certificate resource, mismatching fields: [${unfit.join(' ')}], but cert-manager cannot create new private key as the Certificate's .spec.privateKey.rotationPolicy is unset or set to Never. To allow cert-manager to create a new private key you can set .spec.privateKey.rotationPolicy to 'Always' (this will result in the private key being regenerated every time a cert is renewed)`,
      );
      return undefined;
    }
    let key: KeyObject;
    try {
      key = present ?? (await makeKey(wanted));
    } catch (error) {
      await end(certificate, `Failed to generate private key: ${(error as Error).message}`, 'Failed');
      return undefined;
    }
    const made = `${metadata.name}-${nameSuffix()}`;
    await client.create(
      { ...TARGETS.secrets, namespace },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: made,
          namespace,
          labels: { [NEXT_KEY]: 'true', 'controller.cert-manager.io/fao': 'true' },
          ownerReferences: [ownedBy(certificate)],
        },
        type: 'Opaque',
        data: { 'tls.key': base64(encodeKey(key, wanted)) },
      },
    );
    const written = await writeStatus(client, TARGETS.certificates, certificate, {
      ...status,
      nextPrivateKeySecretName: made,
    });
    if (present)
      keys.record(
        certificate,
        'Normal',
        'Reused',
        `Reusing private key stored in existing Secret resource "${spec.secretName}"`,
      );
    else
      keys.record(certificate, 'Normal', 'Generated', `Stored new private key in temporary Secret resource "${made}"`);
    return { certificate: written, key };
  };

  const requestFor = async (certificate: KubeObject, key: KeyObject): Promise<KubeObject | undefined> => {
    const { spec, status = {}, metadata } = certificate;
    const target = { ...TARGETS.requests, namespace: metadata.namespace! };
    const revision = (status.revision ?? 0) + 1;
    const name = `${metadata.name}-${revision}`;
    const request = makeRequest({ ...spec, organizations: spec.subject?.organizations }, key);
    const existing = await find(client, TARGETS.requests, name, metadata.namespace);
    if (existing) {
      const began = conditionOf(certificate, 'Issuing')?.lastTransitionTime ?? '';
      const isOld =
        isFinished(existing) && !isTrue(existing, 'Ready') && (existing['status']?.failureTime ?? '') < began;
      if (isFor(existing, request) && requestMismatches(existing, spec).length === 0 && !isOld) return existing;
      await client.delete(target, name).catch(() => {});
    }
    const made = await client.create(target, {
      apiVersion: 'cert-manager.io/v1',
      kind: 'CertificateRequest',
      metadata: {
        name,
        namespace: metadata.namespace!,
        annotations: {
          [NAME]: metadata.name!,
          [REVISION]: String(revision),
          'cert-manager.io/private-key-secret-name': status.nextPrivateKeySecretName,
        },
        ownerReferences: [ownedBy(certificate)],
      },
      spec: {
        request: base64(request),
        issuerRef: issuerRefOf(spec),
        ...(spec.duration ? { duration: spec.duration } : {}),
        ...(spec.isCA ? { isCA: true } : {}),
        ...(spec.usages ? { usages: spec.usages } : {}),
      },
    });
    ordering.record(certificate, 'Normal', 'Requested', `Created new CertificateRequest resource "${name}"`);
    return made;
  };

  /** The answer to a request becomes the Secret, and the Certificate's next revision. */
  const store = async (certificate: KubeObject, request: KubeObject, key: KeyObject): Promise<void> => {
    const { spec, status, metadata } = certificate;
    const target = { ...TARGETS.secrets, namespace: metadata.namespace! };
    const old = await find(client, TARGETS.secrets, spec.secretName, metadata.namespace);
    const secret = certificateSecret(certificate, old, {
      certificate: Buffer.from(request['status'].certificate, 'base64').toString('utf8'),
      ca: Buffer.from(request['status'].ca ?? '', 'base64').toString('utf8'),
      key: encodeKey(key, spec.privateKey ?? {}),
    });
    const held = old ? await client.update(target, secret) : await client.create(target, secret);
    const { lastFailureTime: _l, failedIssuanceAttempts: _f, nextPrivateKeySecretName: _n, ...rest } = status;
    const written = await writeStatus(client, TARGETS.certificates, certificate, {
      ...rest,
      revision: (status.revision ?? 0) + 1,
      conditions: withoutCondition(status.conditions, 'Issuing'),
    });
    issuing.record(certificate, 'Normal', 'Issuing', ISSUED);
    await judge(written, { ...(await stateOf(written)), secret: held }, undefined);
  };

  const give = (certificate: KubeObject, request: KubeObject): Promise<void> => {
    const ready = conditionOf(request, 'Ready');
    const message = `The certificate request has failed to complete and will be retried: ${ready?.message ?? ''}`;
    return end(certificate, message, ready?.reason ?? 'Denied');
  };

  const end = async (certificate: KubeObject, message: string, reason: string): Promise<void> => {
    const { status = {} } = certificate;
    const now = clock.now();
    await writeStatus(client, TARGETS.certificates, certificate, {
      ...status,
      lastFailureTime: rfc3339(now),
      failedIssuanceAttempts: (status.failedIssuanceAttempts ?? 0) + 1,
      conditions: withCondition(status.conditions, { type: 'Issuing', status: 'False', reason, message }, now),
    });
    issuing.record(certificate, 'Warning', reason, message);
  };

  /** Removes keys that nobody waits for any more, and requests beyond the history. */
  const tidy = async (certificate: KubeObject): Promise<void> => {
    const { metadata, spec, status = {} } = certificate;
    const namespace = metadata.namespace!;
    const owns = ({ metadata: each }: KubeObject) =>
      each.ownerReferences?.some(({ uid }) => uid === metadata.uid) === true;
    const temporary = await client.list({ ...TARGETS.secrets, namespace }, { labelSelector: NEXT_KEY });
    for (const secret of temporary.items.filter(owns))
      await client.delete({ ...TARGETS.secrets, namespace }, secret.metadata.name!).catch(() => {});
    const oldest = (status.revision ?? 0) - (spec.revisionHistoryLimit ?? DEFAULT_HISTORY);
    const requests = await client.list({ ...TARGETS.requests, namespace });
    for (const request of requests.items.filter(owns))
      if (Number(request.metadata.annotations?.[REVISION]) <= oldest)
        await client.delete({ ...TARGETS.requests, namespace }, request.metadata.name!).catch(() => {});
  };

  const queue = new WorkQueue(clock, look, desk.failed('certificates'));
  life.add(() => queue.close());
  certificates.onChange(({ type, object }) => type !== 'delete' && queue.add(keyOf(object)));
  desk.informer(TARGETS.secrets).onChange(
    changed(({ metadata }) => {
      for (const certificate of certificates.list())
        if (certificate.metadata.namespace === metadata.namespace && certificate['spec'].secretName === metadata.name)
          queue.add(keyOf(certificate));
    }),
  );
  desk.informer(TARGETS.requests).onChange(
    changed(({ metadata }) => {
      const name = metadata.annotations?.[NAME];
      if (name) queue.add(`${metadata.namespace}/${name}`);
    }),
  );
}

/** Whether a request asks for these names and this key: all of it but the signature. */
function isFor(request: KubeObject, wanted: string): boolean {
  try {
    const asked = readRequest(requestOf(Buffer.from(request['spec'].request, 'base64').toString('utf8')));
    return Buffer.from(asked.info).equals(readRequest(requestOf(wanted)).info);
  } catch {
    return false;
  }
}
