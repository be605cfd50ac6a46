import { uuid } from '#base/ids.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, MANAGER } from './context.ts';

export const PROVISIONER = 'kubernetes.io/host-path';
const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
const WANTED_OF = ['volume.beta.kubernetes.io/storage-provisioner', 'volume.kubernetes.io/storage-provisioner'];
const FOLDERS = '/tmp/hostpath_pv';

interface Told {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

/** Why a claim that fits no volume waits; undefined when a volume can be made for it. Source: pkg/controller/volume/persistentvolume. */
export function whyItWaits(claim: KubeObject, found: KubeObject | undefined): Told | undefined {
  const wanted: string | undefined = claim.spec.storageClassName;
  if (!wanted)
    return {
      type: 'Normal',
      reason: 'FailedBinding',
      message: 'no persistent volumes available for this claim and no storage class is set',
    };
  if (!found)
    return {
      type: 'Warning',
      reason: 'ProvisioningFailed',
      message: `storageclass.storage.k8s.io ${JSON.stringify(wanted)} not found`,
    };
  if (found['volumeBindingMode'] === 'WaitForFirstConsumer')
    return {
      type: 'Normal',
      reason: 'WaitForFirstConsumer',
      message: 'waiting for first consumer to be created before binding',
    };
  const provisioner: string = found['provisioner'];
  if (provisioner === PROVISIONER) return undefined;
  if (provisioner === 'kubernetes.io/no-provisioner')
    return {
      type: 'Warning',
      reason: 'ProvisioningFailed',
      message: `storageclass ${JSON.stringify(wanted)} has no provisioner`,
    };
  return {
    type: 'Normal',
    reason: 'ExternalProvisioning',
    message: `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
  };
}

/** Makes a volume on the node for a claim. Returns the claim as it is then. */
export async function provision(context: ControllerContext, claim: KubeObject, found: KubeObject): Promise<KubeObject> {
  const { name, namespace, uid } = claim.metadata;
  const annotations = {
    ...claim.metadata.annotations,
    ...Object.fromEntries(WANTED_OF.map((key) => [key, PROVISIONER])),
  };
  const marked = await context.client.update(
    context.target('persistentvolumeclaims', namespace),
    { ...claim, metadata: { ...claim.metadata, annotations } },
    { fieldManager: MANAGER },
  );
  const volume: KubeObject = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: `pvc-${uid}`,
      annotations: {
        'kubernetes.io/createdby': 'hostpath-dynamic-provisioner',
        'pv.kubernetes.io/bound-by-controller': 'yes',
        [PROVISIONED_BY]: PROVISIONER,
      },
      finalizers: ['kubernetes.io/pv-controller'],
    },
    spec: {
      accessModes: claim.spec.accessModes,
      capacity: { storage: claim.spec.resources.requests.storage },
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        name,
        namespace,
        uid,
        resourceVersion: marked.metadata.resourceVersion,
      },
      hostPath: { path: `${FOLDERS}/${uuid()}` },
      persistentVolumeReclaimPolicy: found['reclaimPolicy'] ?? 'Delete',
      storageClassName: found.metadata.name,
      volumeMode: claim.spec.volumeMode,
    },
  };
  await context.client
    .create(context.target('persistentvolumes', undefined), volume, { fieldManager: MANAGER })
    .catch((error: { reason?: string }) => {
      if (error.reason !== 'AlreadyExists') throw error;
    });
  context.event(
    marked,
    'Normal',
    'ProvisioningSucceeded',
    `Successfully provisioned volume ${volume.metadata.name} using ${PROVISIONER}`,
    'persistentvolume-controller',
  );
  return marked;
}

/** Whether a volume goes with its claim. */
export const goesWithClaim = ({ metadata, spec }: KubeObject): boolean =>
  spec?.persistentVolumeReclaimPolicy === 'Delete' && metadata.annotations?.[PROVISIONED_BY] === PROVISIONER;
