import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { AcademyError } from '#base/errors.ts';
import type { Authority } from '#cluster/linkerd/authority.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { NodeFolders } from '#kube/kubelet/kubelet.ts';

const FORMAT = 1;

/** Everything that an embedded cluster needs to come back. It holds private keys: it is kept where the cluster's owner keeps them. */
export interface Saved {
  format: number;
  /** How far the cluster's clock was ahead of the wall, ms. */
  aheadMs: number;
  clusterCa: Authority;
  tokenKey: string;
  anchor?: Authority;
  /** What hostPath and claimed volumes held. */
  folders?: NodeFolders;
  /** What the store exports. */
  objects: string;
}

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

export const packSaved = (saved: Omit<Saved, 'format'>): Promise<Uint8Array> =>
  deflate(JSON.stringify({ format: FORMAT, ...saved }), { level: 3 });

export async function unpackSaved(bytes: Uint8Array): Promise<Saved> {
  const saved = JSON.parse((await inflate(bytes)).toString('utf8')) as Saved;
  if (saved.format !== FORMAT)
    throw new AcademyError('driver/failed', 'The saved cluster was written by another version and cannot be read.');
  return saved;
}

/**
 * The objects of a cluster whose node was away: nothing of it is ready until it was started again.
 */
export function afterRestart(objects: string): string {
  const parsed = JSON.parse(objects) as { revision: number; kinds: [string, KubeObject[]][] };
  for (const pod of parsed.kinds.find(([kind]) => kind === '/pods')?.[1] ?? []) {
    if (['Succeeded', 'Failed'].includes(pod.status?.phase)) continue;
    for (const condition of (pod.status?.conditions ?? []) as { type: string; status: string }[])
      if (condition.type === 'Ready' || condition.type === 'ContainersReady') condition.status = 'False';
  }
  return JSON.stringify(parsed);
}
