import { z } from 'zod';
import type { RequestsMade } from '#schema/evidence.ts';
import { defineCheck, failed, passed, waiting } from '../check.ts';
import { POLICY_TRIGGERS } from '../probes/policy.ts';
import { type Answer, burstFrom, meaningOf, NoReadyPod } from '../probes/requests.ts';
import { count } from '../words.ts';

const params = z.strictObject({
  from: z
    .string()
    .regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, 'write <namespace>/<deployment>')
    .describe('The Deployment that asks: `shop/web`. Its image needs curl and sh; its service account is who it is.'),
  container: z.string().optional().describe('The container that asks; named as the Deployment when absent.'),
  to: z
    .string()
    .regex(/^[A-Z]+ http:\/\/\S+$/, 'write a method and an http URL, e.g. `GET http://api.shop/orders`')
    .describe('What it asks for: a method and a URL.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Headers of the request.'),
  is: z
    .enum(['allowed', 'denied', 'limited'])
    .describe(
      '`allowed`: answered by the application. `denied`: 403 or 404, or the connection is closed. `limited`: of a burst, some are answered and some get 429.',
    ),
  status: z.number().int().min(100).max(599).optional().describe('The exact status that is wanted, where it matters.'),
  burst: z
    .number()
    .int()
    .min(1)
    .max(200)
    .optional()
    .describe('How many requests to make, four at a time. 1 when absent, 40 for `limited`.'),
  share: z
    .tuple([z.number().min(0).max(1), z.number().min(0).max(1)])
    .default([0.05, 0.95])
    .describe('With `limited`: between which shares the 429 must lie.'),
});

/** One client, one address, with real requests. */
export const request = defineCheck<z.infer<typeof params>>({
  name: 'request',
  summary: 'Real requests from one client to one URL: allowed, denied, or limited as a share of a burst.',
  params,
  triggers: ({ from }) => [
    ...POLICY_TRIGGERS,
    { group: '', version: 'v1', resource: 'pods', namespace: from.split('/')[0]! },
    { group: '', version: 'v1', resource: 'services' },
    { everyMs: 10_000 },
  ],
  async run({ from, container, to, headers, is, status, burst, share }, { client, clock, signal }) {
    const [namespace, deployment] = from.split('/') as [string, string];
    const [method, url] = to.split(' ') as [string, string];
    const caller = { namespace, deployment, container: container ?? deployment };
    const wanted = burst ?? (is === 'limited' ? 40 : 1);
    let answers: Answer[];
    try {
      answers = await burstFrom(client, caller, { method, url, headers }, wanted, signal);
    } catch (error) {
      if (error instanceof NoReadyPod) return waiting(`No pod of ${deployment} is ready to ask from.`, [], ['no pod']);
      throw error;
    }
    const evidence = [gathered(clock.now(), from, to, answers)];
    const meanings = answers.map(meaningOf);
    const saw = [...new Set(meanings), ...new Set(answers.map((a) => `status ${a.status}`))];
    const what = `${deployment} to ${url.replace('http://', '')}`;
    if (is === 'limited') {
      const limited = meanings.filter((meaning) => meaning === 'limited').length;
      const other = answers.find((_, i) => meanings[i] === 'deny' || meanings[i] === 'unreachable');
      const said = `${limited} of ${count(answers.length, 'request')} from ${what} were answered 429`;
      if (other) return failed(`${said}, and one ${spoken(other)}.`, evidence, saw);
      const [low, high] = share;
      const observed = limited / answers.length;
      if (observed < low) return failed(`${said}: too few.`, evidence, [...saw, 'too few limited']);
      if (observed > high) return failed(`${said}: too many.`, evidence, [...saw, 'too many limited']);
      return passed(`${said}.`, evidence, saw);
    }
    const asked = is === 'allowed' ? 'allow' : 'deny';
    const wrong = answers.find(
      (answer, i) => meanings[i] !== asked || (status !== undefined && answer.status !== status),
    );
    const of = answers.length > 1 ? `One of ${answers.length} requests` : 'The request';
    if (wrong) return failed(`${of} from ${what} ${spoken(wrong)}.`, evidence, saw);
    const all = answers.length > 1 ? `All ${answers.length} requests` : 'The request';
    return passed(`${all} from ${what} ${spoken(answers[0]!)}.`, evidence, saw);
  },
});

function spoken({ status, exit }: Answer): string {
  if (status > 0) return `got status ${status}`;
  if (exit === 52 || exit === 56) return `found the connection closed (curl ${exit})`;
  return `got no answer (curl ${exit})`;
}

function gathered(at: number, client: string, url: string, answers: Answer[]): RequestsMade {
  const groups = new Map<string, { status: number; exit: number; count: number }>();
  for (const { status, exit } of answers) {
    const key = `${status} ${exit}`;
    const group = groups.get(key) ?? { status, exit, count: 0 };
    groups.set(key, { ...group, count: group.count + 1 });
  }
  return { type: 'requests', at, client, url, answers: [...groups.values()] };
}
