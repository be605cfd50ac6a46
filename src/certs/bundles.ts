/* biome-ignore-all lint/suspicious/noExplicitAny: the spec of a Bundle is plain JSON. */
import { ownedBy } from '#kube/api/owner.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { parseCertificates } from '#pki/certificate.ts';
import { writePem } from '#pki/pem.ts';
import { changed, type Desk } from './controller.ts';
import { type Condition, conditionOf, find, same, secretText, TARGETS, withCondition, writeStatus } from './objects.ts';
import { WorkQueue } from './work-queue.ts';

const LABEL = 'trust.cert-manager.io/bundle';
const HASH = 'trust.cert-manager.io/hash';

/** A source that is not there yet: the Bundle waits for it. */
class SourceNotFound extends Error {}

/** Carries trust anchors from their sources into a ConfigMap of each namespace that a Bundle selects. */
export function runBundles(desk: Desk): void {
  const { client, clock, life, clusterResourceNamespace: trust } = desk;
  const events = desk.events('bundles');
  const bundles = desk.informer(TARGETS.bundles);

  const look = async (name: string): Promise<void> => {
    const bundle = await find(client, TARGETS.bundles, name);
    if (!bundle || bundle.metadata.deletionTimestamp) return;
    let data: string;
    try {
      data = await collect(bundle['spec'].sources ?? []);
    } catch (error) {
      const [reason, message] =
        error instanceof SourceNotFound
          ? ['SourceNotFound', `Bundle source was not found: ${error.message}`]
          : ['SourceBuildError', `Failed to build bundle sources: ${(error as Error).message}`];
      return say(bundle, { status: 'False', reason: reason!, message: message! });
    }
    const key: string | undefined = bundle['spec'].target?.configMap?.key;
    if (!key)
      return say(bundle, {
        status: 'False',
        reason: 'SyncTargetFailed',
        message: 'Failed to sync bundle: only the target configMap is known here',
      });
    const wanted: Record<string, string> = bundle['spec'].target.namespaceSelector?.matchLabels ?? {};
    const namespaces = (await client.list(TARGETS.namespaces)).items.filter(
      ({ metadata }) =>
        !metadata.deletionTimestamp &&
        Object.entries(wanted).every(([label, value]) => metadata.labels?.[label] === value),
    );
    const selected = new Set(namespaces.map(({ metadata }) => metadata.name!));
    for (const namespace of selected) {
      try {
        await put(bundle, namespace, key, data);
      } catch (error) {
        await say(bundle, {
          status: 'False',
          reason: 'SyncTargetFailed',
          message: `Failed to sync bundle to namespace "${namespace}": ${(error as Error).message}`,
        });
        throw error;
      }
    }
    const held = await client.list(TARGETS.configMaps, { labelSelector: `${LABEL}=${name}` });
    for (const { metadata } of held.items)
      if (
        !selected.has(metadata.namespace!) &&
        metadata.ownerReferences?.some(({ uid }) => uid === bundle.metadata.uid)
      )
        await client.delete({ ...TARGETS.configMaps, namespace: metadata.namespace! }, metadata.name!).catch(() => {});
    const labels = Object.entries(wanted).map(([label, value]) => `${label}=${value}`);
    await say(bundle, {
      status: 'True',
      reason: 'Synced',
      message:
        labels.length === 0
          ? 'Successfully synced Bundle to all namespaces'
          : `Successfully synced Bundle to namespaces that match this label selector: ${labels.sort().join(',')}`,
    });
  };

  /** The certificates of all sources as one text, each once, without what stands between them. */
  const collect = async (sources: any[]): Promise<string> => {
    const ders = new Map<string, Uint8Array>();
    for (const source of sources) {
      const text = await read(source);
      let certificates: ReturnType<typeof parseCertificates>;
      try {
        certificates = parseCertificates(text);
      } catch (error) {
        throw new Error(`invalid PEM data in source: ${(error as Error).message}`);
      }
      for (const { raw } of certificates) ders.set(raw.toString('base64'), raw);
    }
    return [...ders.values()].map((raw) => writePem('CERTIFICATE', raw)).join('');
  };

  const read = async (source: any): Promise<string> => {
    if (source.inLine !== undefined) return source.inLine;
    if (source.useDefaultCAs)
      throw new Error('no default package was specified when trust-manager was started; default CAs not available');
    const ref = source.secret ?? source.configMap;
    if (!ref) throw new Error('a source is a secret, a configMap or inLine');
    const kind = source.secret ? 'Secret' : 'ConfigMap';
    const target = source.secret ? TARGETS.secrets : TARGETS.configMaps;
    if (!ref.name || !ref.key) throw new Error('only sources with a name and a key are known here');
    const object = await find(client, target, ref.name, trust);
    if (!object) throw new SourceNotFound(`${kind.toLowerCase()}s "${ref.name}" not found`);
    const text = source.secret ? secretText(object, ref.key) : object['data']?.[ref.key];
    if (text === undefined)
      throw new SourceNotFound(`no data found in ${kind} ${trust}/${ref.name} at key "${ref.key}"`);
    return text;
  };

  const put = async (bundle: KubeObject, namespace: string, key: string, text: string): Promise<void> => {
    const name = bundle.metadata.name!;
    const target = { ...TARGETS.configMaps, namespace };
    const old = await find(client, TARGETS.configMaps, name, namespace);
    const labels = { ...old?.metadata.labels, [LABEL]: name };
    const annotations = { ...old?.metadata.annotations };
    delete annotations[HASH];
    const ownerReferences = [ownedBy(bundle)];
    if (
      old?.['data']?.[key] === text &&
      same(labels, old.metadata.labels) &&
      same(old.metadata.ownerReferences, ownerReferences)
    )
      return;
    const made = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      ...old,
      metadata: { ...old?.metadata, name, namespace, labels, annotations, ownerReferences },
      data: { [key]: text },
    };
    await (old ? client.update(target, made) : client.create(target, made));
  };

  const say = async (bundle: KubeObject, said: Omit<Condition, 'type'>): Promise<void> => {
    const before = conditionOf(bundle, 'Synced');
    const { generation } = bundle.metadata;
    await writeStatus(client, TARGETS.bundles, bundle, {
      ...bundle['status'],
      conditions: withCondition(
        bundle['status']?.conditions,
        { type: 'Synced', ...said, ...(generation === undefined ? {} : { observedGeneration: generation }) },
        clock.now(),
      ),
    });
    if (before?.message !== said.message || before?.status !== said.status)
      events.record(bundle, said.status === 'True' ? 'Normal' : 'Warning', said.reason ?? '', said.message ?? '');
  };

  const queue = new WorkQueue(clock, look, desk.failed('bundle'));
  life.add(() => queue.close());
  const all = () => {
    for (const { metadata } of bundles.list()) queue.add(metadata.name!);
  };
  bundles.onChange(({ type, object }) => type !== 'delete' && queue.add(object.metadata.name!));
  desk.informer(TARGETS.namespaces).onChange(all);
  const source = (kind: 'secret' | 'configMap') =>
    changed(({ metadata }) => {
      for (const bundle of bundles.list()) {
        const isSource =
          metadata.namespace === trust &&
          bundle['spec'].sources?.some((each: any) => each[kind]?.name === metadata.name);
        const isTarget = kind === 'configMap' && metadata.name === bundle.metadata.name;
        if (isSource || isTarget) queue.add(bundle.metadata.name!);
      }
    });
  desk.informer(TARGETS.secrets).onChange(source('secret'));
  desk.informer(TARGETS.configMaps).onChange(source('configMap'));
}
