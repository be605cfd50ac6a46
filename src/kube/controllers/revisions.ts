import { ownedBy } from '#kube/api/owner.ts';
import { same } from '#kube/api/patch/field-set.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, MANAGER } from './context.ts';
import { templateHash } from './template-hash.ts';

export interface Revisions {
  /** The one of the present template. */
  update: KubeObject;
  /** All, the oldest first. */
  all: KubeObject[];
}

/** Label of revisions and of the pods made from them. */
export const REVISION_HASH = 'controller-revision-hash';

/** What a revision keeps of its owner: a patch that puts the template back. */
const dataOf = (owner: KubeObject) => ({ spec: { template: { ...owner.spec.template, $patch: 'replace' } } });

/**
 * The ControllerRevisions of a StatefulSet or DaemonSet, with one for its present template: made, or, after a rollback,
 * renumbered to be the newest. Source: pkg/controller/history.
 */
export async function syncRevisions(context: ControllerContext, owner: KubeObject): Promise<Revisions> {
  const { namespace } = owner.metadata;
  const target = context.target('controllerrevisions', namespace);
  const all = context
    .informer('controllerrevisions')
    .byIndex('controller', owner.metadata.uid!)
    .sort((a, b) => a['revision'] - b['revision']);
  const data = dataOf(owner);
  const next = Number(all.at(-1)?.['revision'] ?? 0) + 1;
  const found = all.findLast((revision) => same(revision['data'], data));
  if (found) {
    if (found === all.at(-1)) return { update: found, all };
    const update = await context.client.patch(
      target,
      found.metadata.name!,
      'merge',
      { revision: next },
      { fieldManager: MANAGER },
    );
    return { update, all: [...all.filter((revision) => revision !== found), update] };
  }
  const hash = templateHash(owner.spec.template, owner.status?.collisionCount);
  const update = await context.client.create(
    target,
    {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name: `${owner.metadata.name}-${hash}`,
        namespace: namespace!,
        labels: { ...owner.spec.template.metadata?.labels, [REVISION_HASH]: hash },
        ...(owner.metadata.annotations ? { annotations: withoutLastApplied(owner.metadata.annotations) } : {}),
        ownerReferences: [ownedBy(owner)],
      },
      data,
      revision: next,
    },
    { fieldManager: MANAGER },
  );
  return { update, all: [...all, update] };
}

function withoutLastApplied(annotations: Record<string, string>): Record<string, string> {
  const { 'kubectl.kubernetes.io/last-applied-configuration': _, ...rest } = annotations;
  return rest;
}

/** The owner as it was at a revision: with its template. */
export function atRevision(owner: KubeObject, revision: KubeObject): KubeObject {
  const { $patch: _, ...template } = revision['data'].spec.template;
  return { ...owner, spec: { ...owner.spec, template } };
}

export const hashOf = (revision: KubeObject): string => revision.metadata.labels?.[REVISION_HASH] ?? '';

/** Removes the oldest revisions that no pod lives by, beyond the owner's limit. */
export async function trimRevisions(
  context: ControllerContext,
  owner: KubeObject,
  { all }: Revisions,
  isLive: (revision: KubeObject) => boolean,
): Promise<void> {
  const idle = all.filter((revision) => !isLive(revision));
  const over = idle.length - (owner.spec.revisionHistoryLimit ?? 10);
  for (const revision of idle.slice(0, Math.max(0, over))) await context.remove('controllerrevisions', revision);
}
