import { quantityValue } from '#kube/api/quantity.ts';
import { matchesSelector } from '#kube/api/selectors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, ignoreGone, keyOf, MANAGER, splitKey } from './context.ts';
import { WorkQueue } from './queue.ts';
import { goesWithClaim, provision, whyItWaits } from './volume-provision.ts';

const COMPONENT = 'persistentvolume-controller';
const CLAIM_PROTECTION = 'kubernetes.io/pvc-protection';
const OWN_FINALIZERS = ['kubernetes.io/pv-protection', 'kubernetes.io/pv-controller'];
const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';

/**
 * Binds claims to volumes, makes volumes for claims of a class that the node provides, and lets go of both. Source:
 * pkg/controller/volume/persistentvolume.
 */
export function startVolumes(context: ControllerContext): WorkQueue {
  const claims = context.informer('persistentvolumeclaims');
  const volumes = context.informer('persistentvolumes');
  const pods = context.informer('pods');
  const classes = context.informer('storageclasses');
  const told = new Map<string, string>();
  const queue = new WorkQueue(
    context.clock,
    (key) => (key.startsWith('volume:') ? reconcileVolume(key.slice(7)) : reconcileClaim(key)),
    1,
  );
  claims.onChange(({ type, object }) => {
    if (type === 'delete') told.delete(object.metadata.uid!);
    queue.add(keyOf(object));
    if (object.spec?.volumeName) queue.add(`volume:${object.spec.volumeName}`);
  });
  classes.onChange(() => {
    for (const claim of claims.list()) if (!claim.spec?.volumeName) queue.add(keyOf(claim));
  });
  volumes.onChange(({ object }) => {
    queue.add(`volume:${object.metadata.name}`);
    for (const claim of claims.list()) if (!claim.spec?.volumeName) queue.add(keyOf(claim));
  });
  pods.onChange(({ type, object, old }) => {
    const ends = type === 'delete' || isOver(object) || (old && !isOver(old) && isOver(object));
    if (ends) for (const name of claimsOf(object)) queue.add(`${object.metadata.namespace}/${name}`);
  });

  async function reconcileClaim(key: string): Promise<void> {
    const [namespace, name] = splitKey(key);
    const claim = claims.get(namespace, name);
    if (!claim) return;
    if (claim.metadata.deletionTimestamp) return release(claim);
    if (claim.spec.volumeName) return confirm(claim);
    const fitting = volumes
      .list()
      .filter((volume) => fits(volume, claim))
      .sort((a, b) => capacityOf(a) - capacityOf(b) || keyOf(a).localeCompare(keyOf(b)));
    const chosen = fitting.find((volume) => volume.spec.claimRef) ?? fitting[0];
    if (chosen) return bind(chosen, claim);
    await unbound(claim);
  }

  /** Makes a volume for a claim, or tells once why it waits. */
  async function unbound(claim: KubeObject): Promise<void> {
    const found = classes.get('', claim.spec.storageClassName ?? '');
    const waits = whyItWaits(claim, found);
    if (!waits) {
      await provision(context, claim, found!);
      return;
    }
    if (told.get(claim.metadata.uid!) === waits.message) return;
    told.set(claim.metadata.uid!, waits.message);
    context.event(claim, waits.type, waits.reason, waits.message, COMPONENT);
  }

  async function bind(volume: KubeObject, claim: KubeObject): Promise<void> {
    const { name, namespace, uid, resourceVersion } = claim.metadata;
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid, resourceVersion };
    const bound = await context.client.update(
      context.target('persistentvolumes', undefined),
      {
        ...volume,
        metadata: {
          ...volume.metadata,
          annotations: {
            ...volume.metadata.annotations,
            ...(volume.spec.claimRef ? {} : { [BOUND_BY_CONTROLLER]: 'yes' }),
          },
        },
        spec: { ...volume.spec, claimRef },
      },
      { fieldManager: MANAGER },
    );
    await context.putStatus('persistentvolumes', bound, {
      ...bound.status,
      phase: 'Bound',
      lastPhaseTransitionTime: context.now(),
    });
    const updated = await context.client.update(
      context.target('persistentvolumeclaims', namespace),
      {
        ...claim,
        metadata: {
          ...claim.metadata,
          annotations: { ...claim.metadata.annotations, [BIND_COMPLETED]: 'yes', [BOUND_BY_CONTROLLER]: 'yes' },
        },
        spec: { ...claim.spec, volumeName: volume.metadata.name },
      },
      { fieldManager: MANAGER },
    );
    await confirm(updated);
  }

  /** A claim that names its volume has that volume's size and modes, once the volume names the claim. */
  async function confirm(claim: KubeObject): Promise<void> {
    const volume = volumes.get('', claim.spec.volumeName);
    const reference = volume?.spec.claimRef;
    if (volume && !reference && fits(volume, { ...claim, spec: { ...claim.spec, volumeName: undefined } }))
      return bind(volume, claim);
    const isMine = reference?.uid === claim.metadata.uid;
    if (!volume || !isMine) {
      const phase = claim.metadata.annotations?.[BIND_COMPLETED] ? 'Lost' : 'Pending';
      await context.putStatus('persistentvolumeclaims', claim, { ...claim.status, phase });
      return;
    }
    await context.putStatus('persistentvolumeclaims', claim, {
      ...claim.status,
      phase: 'Bound',
      accessModes: volume.spec.accessModes,
      capacity: volume.spec.capacity,
    });
  }

  /** A claim stays until no pod uses it. */
  async function release(claim: KubeObject): Promise<void> {
    const { namespace, name, finalizers = [] } = claim.metadata;
    if (!finalizers.includes(CLAIM_PROTECTION)) return;
    const inUse = pods.byIndex('namespace', namespace!).some((pod) => !isOver(pod) && claimsOf(pod).includes(name!));
    if (!inUse) await withoutFinalizers('persistentvolumeclaims', claim, [CLAIM_PROTECTION]);
  }

  async function reconcileVolume(name: string): Promise<void> {
    const volume = volumes.get('', name);
    if (!volume) return;
    const reference = volume.spec.claimRef as { namespace: string; name: string; uid?: string } | undefined;
    const claim = reference && claims.get(reference.namespace, reference.name);
    const isBound = claim !== undefined && claim.metadata.uid === reference?.uid;
    const phase = isBound ? 'Bound' : reference?.uid ? 'Released' : 'Available';
    if (volume.metadata.deletionTimestamp) {
      const held = (volume.metadata.finalizers ?? []).filter((one) => OWN_FINALIZERS.includes(one));
      if (!isBound && held.length > 0) await withoutFinalizers('persistentvolumes', volume, held);
      return;
    }
    if (phase === 'Released' && goesWithClaim(volume)) return context.remove('persistentvolumes', volume);
    if (volume.status?.phase !== phase)
      await context
        .putStatus('persistentvolumes', volume, { ...volume.status, phase, lastPhaseTransitionTime: context.now() })
        .catch(ignoreGone);
  }

  async function withoutFinalizers(
    kind: 'persistentvolumes' | 'persistentvolumeclaims',
    object: KubeObject,
    taken: string[],
  ): Promise<void> {
    const finalizers = (object.metadata.finalizers ?? []).filter((one) => !taken.includes(one));
    await context.client
      .update(
        context.target(kind, object.metadata.namespace),
        { ...object, metadata: { ...object.metadata, finalizers } },
        { fieldManager: MANAGER },
      )
      .catch(ignoreGone);
  }

  return queue;
}

const isOver = (pod: KubeObject): boolean => ['Succeeded', 'Failed'].includes(pod.status?.phase);

export const claimsOf = (pod: KubeObject): string[] =>
  ((pod.spec?.volumes ?? []) as { persistentVolumeClaim?: { claimName: string } }[]).flatMap((volume) =>
    volume.persistentVolumeClaim ? [volume.persistentVolumeClaim.claimName] : [],
  );

const capacityOf = (volume: KubeObject): number => quantityValue(volume.spec.capacity?.storage ?? '0') ?? 0;

function fits(volume: KubeObject, claim: KubeObject): boolean {
  const { spec } = volume;
  const wanted = claim.spec;
  if (volume.metadata.deletionTimestamp) return false;
  const reference = spec.claimRef;
  if (reference) {
    const isFor = reference.namespace === claim.metadata.namespace && reference.name === claim.metadata.name;
    if (!isFor || (reference.uid && reference.uid !== claim.metadata.uid)) return false;
  }
  if (wanted.volumeName && wanted.volumeName !== volume.metadata.name) return false;
  if ((spec.storageClassName ?? '') !== (wanted.storageClassName ?? '')) return false;
  if ((spec.volumeMode ?? 'Filesystem') !== (wanted.volumeMode ?? 'Filesystem')) return false;
  if (wanted.selector && !matchesSelector(wanted.selector, volume.metadata.labels)) return false;
  const modes: string[] = spec.accessModes ?? [];
  if (!((wanted.accessModes ?? []) as string[]).every((mode) => modes.includes(mode))) return false;
  return capacityOf(volume) >= (quantityValue(wanted.resources?.requests?.storage ?? '0') ?? 0);
}
