import { z } from 'zod';
import type { KubeObject } from '#kube/api/types.ts';
import type { ClusterEvent } from '#schema/evidence.ts';
import { defineCheck, failed, passed } from '../check.ts';
import { EVENTS } from '../probes/mesh.ts';
import { ageOf } from '../words.ts';

const params = z.strictObject({
  namespace: z.string().min(1).describe('Namespace of the event.'),
  reason: z.string().min(1).describe('Reason of the event, e.g. `IssuerUpdated`.'),
  object: z
    .string()
    .optional()
    .describe('Kind and name of the object it is about, e.g. `Deployment/linkerd-identity`.'),
  unlike: z.array(z.string()).default([]).describe('Reasons of events that, when newer, mean it did not work.'),
});

/** Whether the cluster has said something since the learner was let in. */
export const eventSeen = defineCheck<z.infer<typeof params>>({
  name: 'event-seen',
  summary: 'Whether an event with a given reason was recorded since the lab began.',
  params,
  triggers: ({ namespace }) => [{ ...EVENTS, namespace }],
  async run({ namespace, reason, object, unlike }, { client, clock, startedAt }) {
    const { items } = await client.list({ ...EVENTS, namespace });
    const events = items
      .filter((event) => event.reason === reason || unlike.includes(event.reason))
      .map(asClusterEvent)
      // Event times have a resolution of one second.
      .filter((event) => event.at >= startedAt - 1_000 && (!object || event.object === object))
      .sort((a, b) => b.at - a.at);
    const [newest] = events;
    if (!newest) return failed(`No ${reason} event in ${namespace} yet.`);
    if (newest.reason !== reason)
      return failed(`The last event is ${newest.reason}: ${newest.message}`, events.slice(0, 5), [newest.reason]);
    return passed(
      `${newest.object}: ${newest.message} (${reason}), ${ageOf(clock.now() - newest.at)} ago.`,
      events.slice(0, 5),
      [reason],
    );
  },
});

/** An Event object as evidence. */
export function asClusterEvent(event: KubeObject): ClusterEvent {
  const at =
    event.lastTimestamp ?? event.eventTime ?? event.series?.lastObservedTime ?? event.metadata.creationTimestamp;
  return {
    type: 'event',
    at: Date.parse(at ?? '') || 0,
    namespace: event.metadata.namespace ?? '',
    object: `${event.involvedObject?.kind ?? ''}/${event.involvedObject?.name ?? ''}`,
    reason: event.reason ?? '',
    message: event.message ?? '',
    warning: event.type === 'Warning',
    count: event.count ?? event.series?.count ?? 1,
  };
}
