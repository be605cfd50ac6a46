import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, ignoreGone, MANAGER } from './context.ts';
import { WorkQueue } from './queue.ts';

const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

interface Taint {
  key: string;
  effect: string;
  timeAdded?: string;
}

/** A node that is cordoned gets the taint that says so, and loses it again. Source: pkg/controller/nodelifecycle. */
export function startCordons(context: ControllerContext): WorkQueue {
  const nodes = context.informer('nodes');
  const queue = new WorkQueue(context.clock, (name) => reconcile(name));
  nodes.onChange(({ object }) => queue.add(object.metadata.name!));

  async function reconcile(name: string): Promise<void> {
    const node = nodes.get('', name);
    if (!node) return;
    const taints: Taint[] = node.spec?.taints ?? [];
    const has = taints.some(isOwn);
    const wanted = node.spec?.unschedulable === true;
    if (has === wanted) return;
    const next = wanted ? [...taints, { ...TAINT, timeAdded: context.now() }] : taints.filter((each) => !isOwn(each));
    const { taints: _, ...spec } = node.spec;
    const changed: KubeObject = { ...node, spec: next.length > 0 ? { ...spec, taints: next } : spec };
    await context.client
      .update(context.target('nodes', undefined), changed, { fieldManager: MANAGER })
      .then(() => undefined, ignoreGone);
  }

  return queue;
}

const isOwn = ({ key, effect }: Taint): boolean => key === TAINT.key && effect === TAINT.effect;
