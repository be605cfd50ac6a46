import { usedOf } from '#kube/api/quota.ts';
import type { Store } from '#kube/store/store.ts';
import { type ControllerContext, ignoreGone, keyOf, splitKey } from './context.ts';
import { WorkQueue } from './queue.ts';

const QUOTAS = '/resourcequotas';
/** Changes are counted together. */
const COUNT_AFTER_MS = 100;

/** Says how much of a ResourceQuota is used. It may count every kind, so it asks the store itself. Source: pkg/controller/resourcequota. */
export function startQuotas(context: ControllerContext, store: Store): WorkQueue & { stop(): void } {
  const queue = new WorkQueue(context.clock, (key) => reconcile(key)) as WorkQueue & { stop(): void };
  let due = false;
  const stop = store.onAnyChange(() => {
    if (due || store.count(QUOTAS) === 0) return;
    due = true;
    context.clock.setTimeout(() => {
      due = false;
      for (const quota of store.list(QUOTAS)) queue.add(keyOf(quota));
    }, COUNT_AFTER_MS);
  });

  async function reconcile(key: string): Promise<void> {
    const [namespace, name] = splitKey(key);
    const quota = store.get(QUOTAS, namespace, name);
    if (!quota || quota.metadata.deletionTimestamp) return;
    const used = usedOf(quota, store.kinds(), (kind) => store.list(kind, namespace));
    const status = { hard: quota.spec?.hard ?? {}, used };
    await context.putStatus('quotas', quota, status).catch(ignoreGone);
  }

  queue.stop = stop;
  return queue;
}
