import type { KubeObject } from '#kube/api/types.ts';
import type { Target } from '#kube/client/client.ts';
import { parseCertificates } from '#pki/certificate.ts';
import { changed, type Desk } from './controller.ts';
import {
  type Condition,
  conditionOf,
  find,
  keyOf,
  secretText,
  splitKey,
  TARGETS,
  withCondition,
  writeStatus,
} from './objects.ts';
import { readKey } from './private-key.ts';
import { readAuthority } from './signing.ts';
import { WorkQueue } from './work-queue.ts';

interface Kind {
  target: Target;
  component: string;
  /** Where the Secret of an issuer is looked for. */
  secretNamespace(issuer: KubeObject): string;
}

/** Says of each Issuer and ClusterIssuer whether it can sign, and of a CA why not. */
export function runIssuers(desk: Desk): void {
  run(desk, {
    target: TARGETS.issuers,
    component: 'cert-manager-issuers',
    secretNamespace: ({ metadata }) => metadata.namespace!,
  });
  run(desk, {
    target: TARGETS.clusterIssuers,
    component: 'cert-manager-clusterissuers',
    secretNamespace: () => desk.clusterResourceNamespace,
  });
}

function run(desk: Desk, kind: Kind): void {
  const { client, clock, life } = desk;
  const events = desk.events(kind.component);
  const issuers = desk.informer(kind.target);
  const look = async (key: string): Promise<void> => {
    const [namespace, name] = splitKey(key);
    const issuer = await find(client, kind.target, name, namespace || undefined);
    if (!issuer || issuer.metadata.deletionTimestamp) return;
    const verdict = await judge(issuer);
    const before = conditionOf(issuer, 'Ready');
    const { generation } = issuer.metadata;
    const next: Condition = {
      type: 'Ready',
      ...verdict,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
    await writeStatus(client, kind.target, issuer, {
      ...issuer['status'],
      conditions: withCondition(issuer['status']?.conditions, next, clock.now()),
    });
    if (verdict.message && (before?.message !== verdict.message || before.status !== verdict.status))
      events.record(issuer, verdict.status === 'True' ? 'Normal' : 'Warning', verdict.reason, verdict.message);
  };
  const judge = async ({
    spec,
    ...issuer
  }: KubeObject): Promise<Required<Pick<Condition, 'status' | 'reason'>> & { message?: string }> => {
    if (spec?.selfSigned) return { status: 'True', reason: 'IsReady' };
    const secretName: string = spec?.ca?.secretName ?? '';
    const namespace = kind.secretNamespace(issuer as KubeObject);
    const secret = await find(client, TARGETS.secrets, secretName, namespace);
    const bad = (reason: string, message: string) => ({ status: 'False' as const, reason, message });
    if (!secret) return bad('ErrGetKeyPair', `Error getting keypair for CA issuer: secret "${secretName}" not found`);
    const certificate = secretText(secret, 'tls.crt');
    const key = readKey(secretText(secret, 'tls.key'));
    if (!certificate || !key) {
      const lacking = certificate ? 'tls.key' : 'tls.crt';
      return bad(
        'ErrGetKeyPair',
        `Error getting keypair for CA issuer: no data for "${lacking}" in secret '${namespace}/${secretName}'`,
      );
    }
    try {
      readAuthority(certificate, key);
      if (!parseCertificates(certificate)[0]!.ca)
        return bad('ErrInvalidKeyPair', 'Error getting keypair for CA issuer: certificate is not a CA');
    } catch (error) {
      return bad('ErrGetKeyPair', `Error getting keypair for CA issuer: ${(error as Error).message}`);
    }
    return { status: 'True', reason: 'KeyPairVerified', message: 'Signing CA verified' };
  };
  const queue = new WorkQueue(clock, look, desk.failed(kind.component));
  life.add(() => queue.close());
  issuers.onChange(changed((issuer) => queue.add(keyOf(issuer))));
  desk.informer(TARGETS.secrets).onChange(
    changed((secret) => {
      for (const issuer of issuers.list())
        if (
          issuer['spec']?.ca?.secretName === secret.metadata.name &&
          kind.secretNamespace(issuer) === secret.metadata.namespace
        )
          queue.add(keyOf(issuer));
    }),
  );
}
