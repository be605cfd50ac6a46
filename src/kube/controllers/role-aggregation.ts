import { same } from '#kube/api/patch/field-set.ts';
import { matchesSelector } from '#kube/api/selectors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, ignoreGone } from './context.ts';
import { WorkQueue } from './queue.ts';

/** Puts together the ClusterRoles that say which others they are made of. Source: pkg/controller/clusterroleaggregation. */
export function startRoleAggregation(context: ControllerContext): WorkQueue {
  const roles = context.informer('clusterroles');
  const queue = new WorkQueue(context.clock, (name) => reconcile(name));
  roles.onChange(() => {
    for (const role of roles.list()) if (role['aggregationRule']) queue.add(role.metadata.name!);
  });

  async function reconcile(name: string): Promise<void> {
    const role = roles.get('', name);
    const selectors: object[] | undefined = role?.['aggregationRule']?.clusterRoleSelectors;
    if (!role || !selectors) return;
    const parts = roles
      .list()
      .filter((each) => each !== role && selectors.some((selector) => matchesSelector(selector, each.metadata.labels)))
      .sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1));
    const rules: unknown[] = [];
    for (const part of parts)
      for (const rule of (part['rules'] ?? []) as unknown[])
        if (!rules.some((known) => same(known, rule))) rules.push(rule);
    if (same(rules, role['rules'] ?? [])) return;
    const { apiVersion, kind } = role;
    const applied: KubeObject = { apiVersion, kind, metadata: { name }, rules };
    await context.client
      .apply(applied, { fieldManager: 'clusterrole-aggregation-controller', force: true })
      .then(() => undefined, ignoreGone);
  }

  return queue;
}
