import * as z from 'zod';

/** Names of certificates: `r1` is the anchor that the cluster came with, `i1` its issuer; others are made when named. */
const name = z.string().regex(/^[a-z0-9-]+$/);
const duration = z.string().regex(/^(\d+(s|m|h|d))+$/);

export const authority = z.strictObject({
  /** The root that signs it; absent: it is a root itself. */
  under: name.optional(),
  lifetime: duration.default('365d'),
  /** How long ago it began. */
  age: duration.default('1m'),
  key: z.enum(['ec-p256', 'ec-p384', 'rsa-2048']).default('ec-p256'),
  ca: z.boolean().default(true),
});

const workload = z.enum(['api', 'web']);

export const step = z.strictObject({
  say: z.string().optional(),
  /** `linkerd upgrade` with these files, its output applied; `refused` is what it says instead. */
  upgrade: z
    .strictObject({
      anchors: z.array(name).optional(),
      issuer: name.optional(),
      force: z.boolean().default(false),
      /** False: nobody waits for the control plane to be rolled. */
      wait: z.boolean().default(true),
      refused: z.string().optional(),
    })
    .optional(),
  /** The issuer's Secret, by hand. `crt` and `key` may be words that are no PEM. */
  secret: z.strictObject({ crt: z.string(), key: z.string() }).optional(),
  /** The ConfigMap with the trust roots, by hand. */
  roots: z.string().optional(),
  /** Deployments that are restarted, one after the other, until they are ready. */
  roll: z.array(z.enum(['api', 'web', 'linkerd-identity', 'linkerd-destination', 'linkerd-proxy-injector'])).optional(),
  /** Restarted, without waiting for it to be ready. */
  restart: z.enum(['api', 'web', 'linkerd-identity']).optional(),
  /** The cluster's clock goes forward. */
  advance: duration.optional(),
  identityReplicas: z.number().optional(),
  /** A bare pod, of the mesh. */
  pod: name.optional(),
  /** A connection from web to api that stays open. */
  hold: z.literal(true).optional(),
  expect: z
    .strictObject({
      /** Who signed the leaf that each workload shows on its port 4191. */
      leaves: z.record(workload.or(name), name).optional(),
      /** Whether that leaf is in date, by the cluster's clock. */
      current: z.record(workload.or(name), z.boolean()).optional(),
      /** The anchors in each workload's pod. */
      bundles: z.record(workload.or(name), z.array(name)).optional(),
      /** Requests from web to api: all answered by the application, or none. */
      requests: z.enum(['ok', 'fail']).optional(),
      /** Reasons of events on the identity Deployment since the last look, with words of their messages. */
      events: z.array(z.string()).optional(),
      /** `linkerd check --proxy`: its exit code and lines that it has; `clean`: neither ‼ nor ×. */
      check: z
        .strictObject({ exit: z.number(), says: z.array(z.string()).default([]), clean: z.boolean().default(false) })
        .optional(),
      pods: z.record(name, z.enum(['ready', 'waiting', 'bare'])).optional(),
      /** Of the identity pod: running, or crashing with words in its log. */
      identity: z.string().optional(),
    })
    .optional(),
});
export type Step = z.infer<typeof step>;

export const scenario = z.strictObject({
  name: z.string(),
  /** Where it is written: sections of the facts, or a recording. */
  from: z.string(),
  issuanceLifetime: duration.default('24h'),
  issuerLifetime: duration.default('8760h'),
  authorities: z.record(name, authority).default({}),
  steps: z.array(step).min(1),
});
export type Scenario = z.infer<typeof scenario>;
export const scenarios = z.array(scenario);

/** `25h`, `1m30s` in milliseconds. */
export function msOf(text: string): number {
  const units: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)([smhd])/g)) total += Number(amount) * units[unit!]!;
  return total;
}
