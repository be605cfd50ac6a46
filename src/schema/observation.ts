import { z } from 'zod';

/* What a lesson may show of the cluster in the middle of its text: `<Observe …>` with these attributes. */

const name = '[a-z0-9]([a-z0-9.-]*[a-z0-9])?';
const namespace = z
  .string()
  .regex(new RegExp(`^${name}$`), 'write the name of a namespace')
  .default('shop')
  .describe('Its namespace; `shop` when absent.');

/** A field by its path: names with dots, `[0]` for an item of a list, `['…']` for a key that holds dots. */
const FIELD = /^[A-Za-z_$][\w-]*(\.[A-Za-z_$][\w-]*|\[\d+\]|\['[^']+'\])*$/;

/** A certificate in use. Leaves come from a handshake with the pod, the other two from the cluster's objects. */
export const certificateObservation = z.strictObject({
  certificate: z
    .string()
    .regex(
      new RegExp(`^(issuer|trust-anchor|(deployment|statefulset|daemonset|pod)/${name})$`),
      'write deployment/<name>, another kind of workload, issuer or trust-anchor',
    )
    .describe('Whose: `deployment/web` for the leaf of its pods, `issuer`, or `trust-anchor`.'),
  show: z
    .enum(['age', 'left', 'issuer', 'identity'])
    .describe('`age`, `left` (time to its end), `issuer` (who signed it), or `identity` (the name in it).'),
  namespace,
});

/** The share of requests that succeeded in the last ten seconds. */
export const rateObservation = z.strictObject({
  rate: z
    .string()
    .regex(new RegExp(`^(traffic|deployment/${name})$`), 'write deployment/<name>, or traffic')
    .describe('`deployment/web`: requests that its proxies let in. `traffic`: the lab’s background traffic.'),
  namespace,
});

/** A field of an object. */
export const objectObservation = z.strictObject({
  object: z
    .string()
    .regex(new RegExp(`^[a-z]+(\\.[a-z0-9.-]+)?/${name}$`), 'write <kind>/<name>, or <kind>.<group>/<name>')
    .describe('The object: `deployment/web`, `certificate.cert-manager.io/linkerd-identity-issuer`.'),
  field: z
    .string()
    .regex(FIELD, "write a path such as status.readyReplicas or metadata.annotations['linkerd.io/inject']")
    .describe('The field: `status.readyReplicas`.'),
  unset: z
    .string()
    .max(40)
    .optional()
    .describe('What is shown when the object has no such field: `0`, since Kubernetes leaves out a count of nothing.'),
  show: z
    .enum(['value', 'age', 'left'])
    .default('value')
    .describe('`value`; for a field that is a time, `age` or `left` as well.'),
  namespace,
});

export const observation = z.union([certificateObservation, rateObservation, objectObservation]);
export type Observation = z.infer<typeof observation>;

/** The three kinds, by the attribute that each begins with. */
export const OBSERVATIONS = {
  certificate: certificateObservation,
  rate: rateObservation,
  object: objectObservation,
} as const;

/** The most that one page may ask for. */
export const MAX_OBSERVATIONS = 20;

/** One spelling for one observation, so that question and answer find each other. */
export const observationKey = (wanted: Observation): string => JSON.stringify(Object.entries(wanted).sort());

/** What was seen. Instants are ms since the epoch on the cluster's clock, so that a page can count on by itself. */
export const observed = z.object({
  key: z.string(),
  value: z.discriminatedUnion('is', [
    z.object({ is: z.literal('text'), text: z.string() }),
    z.object({ is: z.literal('since'), at: z.number() }),
    z.object({ is: z.literal('until'), at: z.number() }),
    z.object({ is: z.literal('absent'), why: z.string() }),
  ]),
});
export type Observed = z.infer<typeof observed>;
