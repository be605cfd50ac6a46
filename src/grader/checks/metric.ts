import { z } from 'zod';
import type { Figures } from '#schema/evidence.ts';
import { defineCheck, failed, passed, waiting } from '../check.ts';
import { comparison, notAsAsked } from '../comparison.ts';
import { hasLabels, type PodSeries, sumOf } from '../probes/proxy-metrics.ts';

const params = z.strictObject({
  pods: z.string().min(1).describe('Meshed pods whose proxies are asked: `shop/web`, or several with commas.'),
  name: z
    .string()
    .regex(/^[a-zA-Z_:][\w:]*$/, 'write the name of a metric, e.g. `inbound_http_authz_deny_total`')
    .describe('Name of the metric, as the proxy’s port 4191 writes it.'),
  labels: z.record(z.string(), z.string()).default({}).describe('Labels that its series must have.'),
  is: comparison.describe('What the sum over the series must be.'),
  each: z.boolean().default(false).describe('Every pod’s sum is compared by itself, instead of the sum over all pods.'),
  seconds: z
    .number()
    .int()
    .min(1)
    .max(120)
    .optional()
    .describe('By how much it grew in the last so many seconds, instead of what it is.'),
});

/** A figure of a proxy. A series that is not there counts as 0, as it does in the text format before the first event. */
export const metric = defineCheck<z.infer<typeof params>>({
  name: 'metric',
  summary: 'A metric of the proxies of meshed pods, by name and labels, compared with a number.',
  params,
  windowMs: ({ seconds = 0 }) => seconds * 1_000,
  triggers: () => [{ group: '', version: 'v1', resource: 'pods' }, { everyMs: 1_000 }],
  async run({ pods, name, labels, is, each, seconds }, { metrics, clock }) {
    let found: PodSeries[];
    if (seconds === undefined) found = await metrics.now(pods);
    else {
      const growth = await metrics.growth(pods, new RegExp(`^${name}$`), seconds);
      if (growth.pods.length > 0 && growth.overMs < seconds * 900) return waiting(`Counting ${name} for ${seconds} s.`);
      found = growth.pods;
    }
    if (found.length === 0) return failed(`No meshed pod matches ${pods}, or no proxy answers.`, [], ['no proxy']);
    const sums = found.map(({ pod, series }) => ({
      name: pod.name,
      value: sumOf(series.filter((one) => one.name === name && hasLabels(one, labels))),
    }));
    const evidence: Figures = { type: 'figures', at: clock.now(), what: name, figures: sums };
    const compared = each ? sums : [{ name: 'together', value: sums.reduce((sum, { value }) => sum + value, 0) }];
    for (const { name: who, value } of compared) {
      const why = notAsAsked(value, is);
      const of = each || sums.length > 1 ? ` of ${each ? who : `${sums.length} pods`}` : ` of ${sums[0]!.name}`;
      if (why) return failed(`${name}${of} is ${round(value)}; ${why}.`, [evidence], ['differs']);
    }
    const values = [...new Set(compared.map(({ value }) => round(value)))].join(', ');
    return passed(`${name} is ${values}.`, [evidence]);
  },
});

const round = (value: number): number => Math.round(value * 1_000) / 1_000;
