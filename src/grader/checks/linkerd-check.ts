import { z } from 'zod';
import type { CheckLines } from '#schema/evidence.ts';
import { defineCheck, failed, passed } from '../check.ts';
import { count } from '../words.ts';

/** The parts of `linkerd check`, of its plain form, `--proxy` and `--crds`, that ask nothing outside the cluster. */
export const CATEGORIES = [
  'kubernetes-api',
  'kubernetes-version',
  'gateway-api-crd',
  'linkerd-existence',
  'linkerd-cni-plugin',
  'linkerd-config',
  'linkerd-identity',
  'linkerd-webhooks-and-apisvc-tls',
  'control-plane-version',
  'linkerd-control-plane-proxy',
  'linkerd-ha-checks',
  'linkerd-extension-checks',
  'linkerd-identity-data-plane',
  'linkerd-data-plane',
  'linkerd-crd',
] as const;

const params = z.strictObject({
  categories: z
    .array(z.enum(CATEGORIES))
    .min(1)
    .describe('The parts of `linkerd check` that must pass, by their names.'),
  namespace: z.string().optional().describe('For the data plane’s parts: only pods of this namespace.'),
  warnings: z
    .enum(['accepted', 'refused'])
    .default('accepted')
    .describe('Whether a line with ‼ counts as passed, as it does for the command’s exit code.'),
});

/** What `linkerd check` says, by the same code as the command of the lab's terminal. */
export const linkerdCheck = defineCheck<z.infer<typeof params>>({
  name: 'linkerd-check',
  summary: 'Whether parts of `linkerd check` pass.',
  params,
  triggers: () => [
    { group: '', version: 'v1', resource: 'pods' },
    { group: '', version: 'v1', resource: 'secrets', namespace: 'linkerd' },
    { group: '', version: 'v1', resource: 'configmaps', namespace: 'linkerd' },
    { everyMs: 5_000 },
  ],
  async run({ categories, namespace, warnings }, { client, clock, signal }) {
    // Loaded when a lab asks for it: most sessions never do.
    const [{ categoriesFor }, { runChecks }, { World }, { LINKERD_VERSION }] = await Promise.all([
      import('#mesh/check/categories.ts'),
      import('#mesh/check/runner.ts'),
      import('#mesh/check/world.ts'),
      import('#mesh/install/values.ts'),
    ]);
    const world = new World({
      client,
      clock,
      controlPlane: 'linkerd',
      cliVersion: LINKERD_VERSION,
      ...(namespace ? { dataPlane: namespace } : {}),
    });
    const all = [...categoriesFor({}), ...categoriesFor({ proxy: true }), ...categoriesFor({ crds: true })];
    const wanted = categories.map((name) => all.find((category) => category.name === name)!);
    const evidence: CheckLines = { type: 'checks', at: clock.now(), lines: [] };
    // No patience: what is not so now is said now, and looked at again when something changes.
    for await (const line of runChecks(wanted, world, { clock, deadline: clock.now(), signal })) {
      const { category, description, result, message } = line;
      evidence.lines.push({ category, description, result, ...(message === undefined ? {} : { message }) });
    }
    const bad = evidence.lines.filter(
      ({ result }) => result === 'error' || (result === 'warning' && warnings === 'refused'),
    );
    const [first] = bad;
    if (first) {
      const more = bad.length > 1 ? `, and ${bad.length - 1} more` : '';
      const why = first.message ? `: ${first.message.split('\n')[0]}` : '';
      const saw = bad.map(({ description }) => description);
      return failed(`× ${first.description}${why}${more}.`, [evidence], saw);
    }
    return passed(`${count(evidence.lines.length, 'line')} of linkerd check, all well.`, [evidence]);
  },
});
