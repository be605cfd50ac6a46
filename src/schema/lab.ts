import { z } from 'zod';
import { clusterNames } from './cluster-names.ts';

/* The descriptions here are what an editor shows while a lab is written, and what `lessons/AUTHORING.md` refers to. */

/** Names as they appear in file names, task ids and URLs. */
export const slug = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'use lower-case letters, digits and single dashes');

/** Also the name of a context, and of the node. */
const clusterSlug = slug.max(20, 'use 20 characters at most');

/** A length of time as Go writes it: `8760h`, `90m`, `1h30m`. */
const duration = z.string().regex(/^(\d+(\.\d+)?(h|m|s|ms))+$/, 'write a length of time such as 8760h, 90m or 1h30m');

function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'iu');
    return true;
  } catch {
    return false;
  }
}

/** A cluster beside the main one. */
export const joinedCluster = z.strictObject({
  name: clusterSlug.describe('Names it: its context, its folder in `start/`, and `cluster:` of a task.'),
  network: z
    .enum(['gateway', 'flat'])
    .default('gateway')
    .describe(
      '`gateway`: nodes and the addresses of load balancers reach each other. `flat`: pods do as well. Service addresses never do.',
    ),
  mesh: z.enum(['linkerd', 'none']).optional().describe('As for the main cluster, which it follows when absent.'),
  anchor: z
    .enum(['shared', 'own'])
    .default('shared')
    .describe('`own`: another trust anchor than the main cluster’s, so that their meshes do not trust each other.'),
});
export type JoinedClusterSettings = z.infer<typeof joinedCluster>;

export const clusterSettings = z
  .strictObject({
    name: clusterSlug
      .optional()
      .describe('Names the cluster and its context. `east` when absent and there are others.'),
    others: z
      .array(joinedCluster)
      .max(1, 'a lab has two clusters at most')
      .default([])
      .describe('Further clusters, joined to this one (embedded clusters only).'),
    mesh: z
      .enum(['linkerd', 'none'])
      .default('linkerd')
      .describe('`linkerd`: the mesh is installed before the learner is let in. `none`: a cluster without one.'),
    workers: z.number().int().min(0).max(3).default(0).describe('Nodes beside the first one, which runs pods as well.'),
    clock: z
      .enum(['real', 'movable'])
      .default('real')
      .describe('`movable` lets the learner move the cluster’s clock forward (embedded clusters only).'),
    issuerLifetime: duration.default('8760h').describe('Life of the issuer made for the cluster, e.g. `8760h`.'),
    issuanceLifetime: duration
      .default('24h')
      .describe('Life of a workload certificate, as `--identity-issuance-lifetime` takes it.'),
    defaultInboundPolicy: z
      .enum([
        'all-unauthenticated',
        'all-authenticated',
        'cluster-unauthenticated',
        'cluster-authenticated',
        'deny',
        'audit',
      ])
      .default('all-unauthenticated')
      .describe('What the mesh lets in where no policy says otherwise.'),
  })
  .prefault({})
  .superRefine((settings, context) => {
    const names = clusterNames(settings);
    for (const [index, name] of names.entries())
      if (names.indexOf(name) < index)
        context.addIssue({
          code: 'custom',
          path: ['others', index - 1, 'name'],
          message: `there is a cluster named ${name} already`,
        });
  })
  .describe('The cluster that the lab needs.');
export type ClusterSettings = z.infer<typeof clusterSettings>;

/** A hint is a sentence, or a sentence shown only when a check of the task saw something. */
export const hint = z
  .union([
    z.string().min(1),
    z.strictObject({
      when: z
        .strictObject({
          check: slug.describe('The check of this task.'),
          saw: z.string().min(1).describe('A fact the check reports, e.g. `signedBy issuer-1`.'),
        })
        .describe('Shown only when the check saw this.'),
      say: z.string().min(1).describe('The hint.'),
    }),
  ])
  .describe('A sentence, or a sentence for the case that the check saw something.');
export type Hint = z.infer<typeof hint>;

export const task = z.strictObject({
  id: slug.describe('Names the task in the lesson (`<Task id="…">`), in `needs` and in wrong solutions.'),
  title: z.string().min(1).describe('What will be true when it is done, as a sentence without a full stop.'),
  points: z.number().int().min(0).max(100).default(1).describe('What it counts.'),
  mode: z
    .enum(['once', 'hold', 'invariant'])
    .default('once')
    .describe(
      '`once`: green as soon as it is true, and red again when it no longer is. `hold`: true for `holdSeconds` on end. `invariant`: must never become false while the lab runs.',
    ),
  holdSeconds: z
    .number()
    .positive()
    .max(600)
    .optional()
    .describe('With `mode: hold`: how long it must stay true. 10 when absent.'),
  needs: z.array(slug).default([]).describe('Tasks that must have passed before this one is looked at.'),
  check: slug.describe('The catalogue entry that looks. `npx academy list checks` lists them.'),
  with: z.record(z.string(), z.unknown()).default({}).describe('The parameters of the check.'),
  cluster: clusterSlug.optional().describe('Where it looks, in a lab with several clusters; the main one when absent.'),
  hints: z.array(hint).max(3).default([]).describe('Up to three, from a nudge to nearly an answer.'),
  'lost-if': z
    .strictObject({
      check: slug.describe('The check of this task.'),
      saw: z.string().min(1).describe('The fact that means the task can’t be done any more.'),
      say: z.string().min(1).describe('What the learner is told.'),
    })
    .optional()
    .describe('When the world can’t be repaired: says so, instead of letting the learner try on.'),
});
export type Task = z.infer<typeof task>;

/** A question whose answer the learner types or chooses. What is right never leaves the server. */
export const answer = z.strictObject({
  id: slug.describe('Names the question in tasks (`with: { answer: … }`) and in proofs (`# answer …`).'),
  question: z.string().min(1).describe('What is asked, as the learner reads it.'),
  options: z.array(z.string().min(1)).min(2).optional().describe('To choose from; typed freely when absent.'),
  right: z
    .union([z.string().min(1), z.number(), z.array(z.union([z.string().min(1), z.number()])).min(1)])
    .optional()
    .describe('What is right, or several that are. Case, quotes and outer spaces do not count.'),
  pattern: z
    .string()
    .min(1)
    .refine(isPattern, 'is no regular expression')
    .optional()
    .describe('A regular expression that the whole answer must match, instead of `right`.'),
  tolerance: z.number().positive().optional().describe('With a number in `right`: how far off it may be.'),
  say: z.string().min(1).optional().describe('Said when it is right.'),
  wrong: z
    .array(
      z.strictObject({
        is: z.string().min(1).describe('A wrong answer to expect.'),
        say: z.string().min(1).describe('Said to it. Give the right one not away.'),
      }),
    )
    .default([])
    .describe('What is said to the wrong answers that can be expected.'),
});
export type AnswerDefinition = z.infer<typeof answer>;

export const lab = z.strictObject({
  title: z.string().min(1).max(100).describe('What the learner does, e.g. “Rotate the issuer”.'),
  summary: z.string().min(1).max(240).describe('One sentence for lists.'),
  level: z.enum(['beginner', 'intermediate', 'advanced']).describe('How much is assumed.'),
  minutes: z.number().int().min(1).max(240).describe('How long a learner usually takes.'),
  drivers: z
    .union([z.literal('any'), z.array(z.enum(['embedded', 'kind'])).min(1)])
    .default('any')
    .describe('Where it can run: `any`, or a list of `embedded` and `kind`.'),
  uses: z
    .array(z.enum(['viz', 'step', 'yq']))
    .optional()
    .describe(
      'Programs that commands of the lesson call beside kubectl and linkerd; `viz` is `linkerd viz`. On a kind cluster the terminals are in the toolbox if it has them.',
    ),
  cluster: clusterSettings,
  start: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Files of `start/`, in order, before the learner is let in: `.yaml` is applied, `.sh` is run. What lies in a folder with the name of a cluster is for that cluster.',
    ),
  traffic: z
    .strictObject({
      from: z
        .string()
        .regex(/^(deployment\/)?[a-z0-9-]+$/, 'write deployment/<name>')
        .describe('The Deployment that makes the requests, e.g. `deployment/load`. It is made for you.'),
      namespace: slug.optional().describe('Where it runs; `shop` when absent.'),
      cluster: clusterSlug.optional().describe('The cluster that it runs in; the main one when absent.'),
      to: z.url().describe('What it asks for, e.g. `http://web.shop/`.'),
      perSecond: z.number().positive().max(50).default(5).describe('How often.'),
    })
    .optional()
    .describe('Constant background traffic, recorded request by request; what the check `traffic` looks at.'),
  answers: z.array(answer).default([]).describe('Questions; a task with the check `answer` asks one.'),
  tasks: z.array(task).min(1).describe('What the learner has to bring about, in the order of the lesson.'),
});
export type Lab = z.infer<typeof lab>;
