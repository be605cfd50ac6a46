import { z } from 'zod';

/** Names as they appear in file names, task ids and URLs. */
export const slug = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'use lower-case letters, digits and single dashes');

export const clusterSettings = z
  .strictObject({
    /** `linkerd`: the mesh is installed before the learner is let in. `none`: an empty cluster. */
    mesh: z.enum(['linkerd', 'none']).default('linkerd'),
    /** `movable` lets the learner move the cluster's clock forward (embedded only). */
    clock: z.enum(['real', 'movable']).default('real'),
    /** Life of the issuer made for the cluster, e.g. `8760h`. */
    issuerLifetime: z.string().default('8760h'),
    /** Life of a workload certificate, as `--identity-issuance-lifetime` takes it. */
    issuanceLifetime: z.string().default('24h'),
    /** The mesh's default inbound policy. */
    defaultInboundPolicy: z.string().default('all-unauthenticated'),
  })
  .prefault({});
export type ClusterSettings = z.infer<typeof clusterSettings>;

/** A hint is a sentence, or a sentence shown only when a check of the task saw something. */
export const hint = z.union([
  z.string().min(1),
  z.strictObject({
    when: z.strictObject({ check: slug, saw: z.string().min(1) }),
    say: z.string().min(1),
  }),
]);
export type Hint = z.infer<typeof hint>;

export const task = z.strictObject({
  id: slug,
  title: z.string().min(1),
  points: z.number().int().min(0).max(100).default(1),
  /** once: green as soon as it is true (and red again when it no longer is). hold: true for `holdSeconds` on end.
   *  invariant: must never become false while the lab runs. */
  mode: z.enum(['once', 'hold', 'invariant']).default('once'),
  holdSeconds: z.number().positive().max(600).optional(),
  /** Tasks that must have passed before this one is looked at. */
  needs: z.array(slug).default([]),
  /** The catalogue entry; its parameters stand in `with`. */
  check: slug,
  with: z.record(z.string(), z.unknown()).default({}),
  hints: z.array(hint).max(3).default([]),
  'lost-if': z.strictObject({ check: slug, saw: z.string(), say: z.string() }).optional(),
});
export type Task = z.infer<typeof task>;

export const lab = z.strictObject({
  title: z.string().min(1).max(100),
  summary: z.string().min(1).max(240),
  level: z.enum(['beginner', 'intermediate', 'advanced']),
  minutes: z.number().int().min(1).max(240),
  drivers: z.union([z.literal('any'), z.array(z.enum(['embedded', 'kind'])).min(1)]).default('any'),
  cluster: clusterSettings,
  /** Files of `start/`, applied in order before the learner is let in: `.yaml` is applied, `.sh` is run. */
  start: z.array(z.string()).default([]),
  /** Constant background traffic, recorded request by request; what `no request lost` looks at. */
  traffic: z
    .strictObject({
      from: z.string().regex(/^(deployment\/)?[a-z0-9-]+$/),
      namespace: slug.optional(),
      to: z.url(),
      perSecond: z.number().positive().max(50).default(5),
    })
    .optional(),
  tasks: z.array(task).min(1),
});
export type Lab = z.infer<typeof lab>;
