/* biome-ignore-all lint/suspicious/noExplicitAny: webhook configurations are plain JSON. */
import type { KubeObject } from '#kube/api/types.ts';
import type { Target } from '#kube/client/client.ts';
import { changed, type Desk } from './controller.ts';
import { find, secretText, TARGETS } from './objects.ts';
import { WorkQueue } from './work-queue.ts';

const FROM = 'cert-manager.io/inject-ca-from';
const FROM_SECRET = 'cert-manager.io/inject-ca-from-secret';
const CONFIGURATIONS = ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'].map(
  (resource): Target => ({ group: 'admissionregistration.k8s.io', version: 'v1', resource }),
);

/** Writes the CA of a Certificate, or of a Secret, into the webhook configurations that ask for it. */
export function runCaInjection(desk: Desk): void {
  const { client, clock, life } = desk;
  const secrets = desk.informer(TARGETS.secrets);
  for (const target of CONFIGURATIONS) {
    const configurations = desk.informer(target);
    const look = async (name: string): Promise<void> => {
      const object = await find(client, target, name);
      if (!object || object.metadata.deletionTimestamp) return;
      const ca = await caFor(object);
      if (!ca || object['webhooks']?.every((each: any) => each.clientConfig?.caBundle === ca)) return;
      await client.update(target, {
        ...object,
        webhooks: (object['webhooks'] ?? []).map((each: any) => ({
          ...each,
          clientConfig: { ...each.clientConfig, caBundle: ca },
        })),
      });
    };
    const queue = new WorkQueue(clock, look, desk.failed(target.resource));
    life.add(() => queue.close());
    configurations.onChange(({ type, object }) => type !== 'delete' && queue.add(object.metadata.name!));
    secrets.onChange(
      changed(() => {
        for (const { metadata } of configurations.list())
          if (metadata.annotations?.[FROM] ?? metadata.annotations?.[FROM_SECRET]) queue.add(metadata.name!);
      }),
    );
  }

  /** base64 of the CA that a configuration is to hold. */
  const caFor = async ({ metadata }: KubeObject): Promise<string | undefined> => {
    const certificate = split(metadata.annotations?.[FROM]);
    const found = certificate && (await find(client, TARGETS.certificates, certificate.name, certificate.namespace));
    const from = found
      ? { namespace: found.metadata.namespace!, name: found['spec'].secretName as string }
      : split(metadata.annotations?.[FROM_SECRET]);
    const secret = from && (await find(client, TARGETS.secrets, from.name, from.namespace));
    return secretText(secret, 'ca.crt') === undefined ? undefined : secret?.['data']['ca.crt'];
  };
}

function split(text: string | undefined): { namespace: string; name: string } | undefined {
  const [namespace, name, ...more] = (text ?? '').split('/');
  return namespace && name && more.length === 0 ? { namespace, name } : undefined;
}
