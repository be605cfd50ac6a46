import { z } from 'zod';

/** Structured observations. Checks conclude from them, views draw them, verdicts carry them. Instants are ms since the
 *  epoch on the cluster's clock unless said otherwise. Fingerprints are lower-case hex SHA-256 of the DER. */

export const certificateInfo = z.object({
  fingerprint: z.string(),
  subject: z.string(),
  issuer: z.string(),
  serial: z.string(),
  dnsNames: z.array(z.string()),
  notBefore: z.number(),
  notAfter: z.number(),
  isCa: z.boolean(),
  /** A short name that stays with this certificate everywhere: `anchor 1`, `issuer 2`, `leaf`. */
  label: z.string().optional(),
});
export type CertificateInfo = z.infer<typeof certificateInfo>;

/** One TLS handshake with a pod's admin port 4191 under its own identity. */
export const handshake = z.object({
  type: z.literal('handshake'),
  namespace: z.string(),
  pod: z.string(),
  workload: z.string(),
  identity: z.string(),
  at: z.number(),
  /** As presented: leaf first. Empty when the handshake failed. */
  chain: z.array(certificateInfo),
  /** Fingerprint of the anchor of the cluster's bundle that verified it. */
  anchor: z.string().optional(),
  /** The exact reason why the chain does not verify, or why no handshake took place. */
  failure: z.string().optional(),
  /** Fingerprints of the anchors this pod trusts (its own environment). */
  bundle: z.array(z.string()),
});
export type Handshake = z.infer<typeof handshake>;

export const trustBundle = z.object({
  type: z.literal('bundle'),
  at: z.number(),
  anchors: z.array(certificateInfo),
  issuer: certificateInfo.optional(),
});
export type TrustBundle = z.infer<typeof trustBundle>;

export const clusterEvent = z.object({
  type: z.literal('event'),
  at: z.number(),
  namespace: z.string(),
  object: z.string(),
  reason: z.string(),
  message: z.string(),
  warning: z.boolean(),
  count: z.number(),
});
export type ClusterEvent = z.infer<typeof clusterEvent>;

export const matrixClient = z.object({
  name: z.string(),
  /** Mesh identity, or null when unmeshed. */
  identity: z.string().nullable(),
});
export const matrixRoute = z.object({ name: z.string(), method: z.string(), url: z.string() });
export const matrixCell = z.object({
  client: z.string(),
  route: z.string(),
  expected: z.enum(['allow', 'deny']).optional(),
  observed: z.enum(['allow', 'deny', 'missing', 'unreachable', 'unknown']),
  /** HTTP status, or 0 when no answer came. */
  status: z.number(),
  /** curl exit code, or the reason in words. */
  detail: z.string().optional(),
  at: z.number(),
});
/** Every client against every route: expected beside observed. */
export const matrix = z.object({
  type: z.literal('matrix'),
  at: z.number(),
  clients: z.array(matrixClient),
  routes: z.array(matrixRoute),
  cells: z.array(matrixCell),
});
export type Matrix = z.infer<typeof matrix>;

/** The background traffic so far. */
export const traffic = z.object({
  type: z.literal('traffic'),
  from: z.number(),
  to: z.number(),
  total: z.number(),
  failed: z.number(),
  /** Longest time between two successful answers, ms. */
  longestGapMs: z.number(),
  /** The most recent requests around the last failure, or the last ones: ms, HTTP status (0: no answer), duration ms. */
  log: z.array(z.object({ at: z.number(), status: z.number(), ms: z.number() })),
  /** Requests per second and failures in it, oldest first, for the chart. */
  perSecond: z.array(z.object({ at: z.number(), ok: z.number(), failed: z.number() })),
});
export type Traffic = z.infer<typeof traffic>;

export const objectSeen = z.object({
  type: z.literal('object'),
  at: z.number(),
  what: z.string(),
  value: z.string(),
});

/** The answers of one client to one address. */
export const requestsMade = z.object({
  type: z.literal('requests'),
  at: z.number(),
  client: z.string(),
  url: z.string(),
  /** How often which answer came: HTTP status (0: none, with curl's exit code). */
  answers: z.array(z.object({ status: z.number(), exit: z.number(), count: z.number() })),
});
export type RequestsMade = z.infer<typeof requestsMade>;

/** Figures that were read or worked out, each with its unit. */
export const figures = z.object({
  type: z.literal('figures'),
  at: z.number(),
  what: z.string(),
  figures: z.array(z.object({ name: z.string(), value: z.number(), unit: z.string().optional() })),
});
export type Figures = z.infer<typeof figures>;

/** How requests were divided among backends. Shares and bounds from 0 to 1. */
export const shares = z.object({
  type: z.literal('shares'),
  at: z.number(),
  total: z.number(),
  backends: z.array(
    z.object({
      name: z.string(),
      count: z.number(),
      share: z.number(),
      /** Between these the true share lies, with the confidence of the check. */
      low: z.number(),
      high: z.number(),
      expected: z.number(),
    }),
  ),
});
export type Shares = z.infer<typeof shares>;

/** A rotation of the trust anchor: its stages in order, and where each pod stands. */
export const rotation = z.object({
  type: z.literal('rotation'),
  at: z.number(),
  /** `at`: when it was first seen, in its turn. `skipped`: a later stage came first. */
  stages: z.array(
    z.object({ stage: z.string(), state: z.enum(['done', 'open', 'skipped']), at: z.number().optional() }),
  ),
  pods: z.array(
    z.object({
      namespace: z.string(),
      pod: z.string(),
      /** Serial of the leaf, label of its issuer, label of the anchor that verifies it. */
      leaf: z.string().optional(),
      issuer: z.string().optional(),
      anchor: z.string().optional(),
      trusts: z.array(z.string()),
    }),
  ),
  removable: z.object({ safe: z.boolean(), because: z.string() }),
});
export type Rotation = z.infer<typeof rotation>;

/** Lines of `linkerd check`. */
export const checkLines = z.object({
  type: z.literal('checks'),
  at: z.number(),
  lines: z.array(
    z.object({
      category: z.string(),
      description: z.string(),
      result: z.enum(['success', 'warning', 'error']),
      message: z.string().optional(),
    }),
  ),
});
export type CheckLines = z.infer<typeof checkLines>;

/** What a command printed, or what stands in a file. */
export const textSeen = z.object({
  type: z.literal('text'),
  at: z.number(),
  what: z.string(),
  text: z.string(),
  code: z.number().optional(),
});
export type TextSeen = z.infer<typeof textSeen>;

export const evidence = z.discriminatedUnion('type', [
  handshake,
  trustBundle,
  clusterEvent,
  matrix,
  traffic,
  objectSeen,
  requestsMade,
  figures,
  shares,
  rotation,
  checkLines,
  textSeen,
]);
export type Evidence = z.infer<typeof evidence>;

/** What the Certificates view draws: the newest handshakes, the bundle, and what each pod presented over time. */
export const certificatesView = z.object({
  at: z.number(),
  bundle: trustBundle,
  /** Everything seen so far, so that colours and names stay: issuers and anchors in order of appearance. */
  issuers: z.array(certificateInfo),
  anchors: z.array(certificateInfo),
  pods: z.array(handshake),
  lanes: z.array(
    z.object({
      pod: z.string(),
      workload: z.string(),
      namespace: z.string(),
      /** `until` absent: still so. `renewsAt`: expected next renewal. */
      segments: z.array(
        z.object({
          leaf: z.string(),
          issuer: z.string(),
          from: z.number(),
          until: z.number().optional(),
          notBefore: z.number(),
          notAfter: z.number(),
          renewsAt: z.number().optional(),
          failure: z.string().optional(),
        }),
      ),
    }),
  ),
  events: z.array(clusterEvent),
  /** "Is it safe to remove anchor X": one line an anchor of the bundle. */
  removable: z.array(z.object({ anchor: z.string(), safe: z.boolean(), because: z.string() })),
});
export type CertificatesView = z.infer<typeof certificatesView>;
