import { z } from 'zod';
import type { Matrix } from '#schema/evidence.ts';
import { type CheckContext, defineCheck, failed, type Outcome, passed, waiting } from '../check.ts';
import { meshedPods } from '../probes/mesh.ts';
import { type Answer, NoReadyPod, requestsFrom } from '../probes/requests.ts';
import { count } from '../words.ts';

const params = z.strictObject({
  namespace: z.string().min(1).describe('Namespace of the clients.'),
  clients: z
    .array(
      z.union([
        z.string(),
        z.strictObject({ deployment: z.string(), namespace: z.string().optional(), container: z.string().optional() }),
      ]),
    )
    .min(1)
    .describe(
      'Deployments that make the requests; each is an identity (its service account) or unmeshed. Their image needs curl and sh.',
    ),
  routes: z
    .array(
      z.string().regex(/^[A-Z]+ http:\/\/\S+$/, 'write a method and an http URL, e.g. `GET http://api.shop/orders`'),
    )
    .min(1)
    .describe('What each client asks for: a method and a URL.'),
  allow: z
    .array(z.strictObject({ client: z.string(), routes: z.array(z.string()).min(1) }))
    .describe('Which client may do what; everything else must be denied.'),
});

type Asked = z.infer<typeof params>;

const POLICY = { group: 'policy.linkerd.io' } as const;

/** Every client against every route with real requests: too much access fails as surely as too little. */
export const policyMatrix = defineCheck<Asked>({
  name: 'policy-matrix',
  summary:
    'Real requests from every client to every route: exactly what is listed gets through, everything else is denied.',
  params,
  triggers: ({ namespace }) => [
    { ...POLICY, version: 'v1beta3', resource: 'servers' },
    { ...POLICY, version: 'v1beta3', resource: 'httproutes' },
    { ...POLICY, version: 'v1alpha1', resource: 'authorizationpolicies' },
    { ...POLICY, version: 'v1alpha1', resource: 'meshtlsauthentications' },
    { ...POLICY, version: 'v1alpha1', resource: 'networkauthentications' },
    { ...POLICY, version: 'v1beta1', resource: 'serverauthorizations' },
    { group: 'gateway.networking.k8s.io', version: 'v1', resource: 'httproutes' },
    { group: '', version: 'v1', resource: 'pods', namespace },
    { everyMs: 15_000 },
  ],
  async run(asked, context) {
    const first = await ask(asked, context);
    // Requests that meet a change on its way may by chance add up to what is wanted: seen once more, it is no chance.
    return first.state === 'passed' ? ask(asked, context) : first;
  },
});

async function ask(
  { namespace, clients, routes, allow }: Asked,
  { client, clock, signal }: CheckContext,
): Promise<Outcome> {
  const at = clock.now();
  const identities = new Map(
    (await meshedPods(client, signal)).map((pod) => [`${pod.namespace}/${pod.workload}`, pod.identity]),
  );
  const requests = routes.map((route) => {
    const [method, url] = route.split(' ') as [string, string];
    return { method, url };
  });
  const callers = clients.map((entry) => (typeof entry === 'string' ? { deployment: entry } : entry));
  const rows = await Promise.all(
    callers.map(async (caller) => {
      const from = {
        namespace: caller.namespace ?? namespace,
        deployment: caller.deployment,
        container: caller.container ?? caller.deployment,
      };
      const answers = await requestsFrom(client, from, requests, signal).catch((error: unknown) => {
        if (error instanceof NoReadyPod) return undefined;
        throw error;
      });
      return { caller, identity: identities.get(`${from.namespace}/deployment/${from.deployment}`) ?? null, answers };
    }),
  );
  const may = (name: string, route: string) =>
    allow.some((rule) => rule.client === name && rule.routes.includes(route));
  const matrix: Matrix = {
    type: 'matrix',
    at,
    clients: rows.map(({ caller, identity }) => ({ name: caller.deployment, identity })),
    routes: routes.map((route, i) => ({ name: route, ...requests[i]! })),
    cells: rows.flatMap(({ caller, answers }) =>
      routes.map((route, i) => ({
        client: caller.deployment,
        route,
        expected: may(caller.deployment, route) ? ('allow' as const) : ('deny' as const),
        ...judge(answers?.[i]),
        at,
      })),
    ),
  };
  const absent = rows.filter((row) => !row.answers);
  if (absent.length > 0)
    return waiting(`${absent.map((row) => row.caller.deployment).join(', ')}: no pod is ready to ask from.`, [matrix]);
  const tooMuch = matrix.cells.filter((cell) => cell.expected === 'deny' && cell.observed !== 'deny');
  const tooLittle = matrix.cells.filter((cell) => cell.expected === 'allow' && cell.observed !== 'allow');
  const saw = [...(tooMuch.length > 0 ? ['too-much'] : []), ...(tooLittle.length > 0 ? ['too-little'] : [])];
  for (const cell of [...tooMuch, ...tooLittle]) saw.push(`${cell.client} ${cell.observed} ${cell.route}`);
  if (saw.length === 0) {
    return passed(
      `${count(matrix.cells.length, 'request')} from ${count(rows.length, 'caller')}: exactly what was asked for got through.`,
      [matrix],
    );
  }
  return failed(sentence(tooMuch, tooLittle), [matrix], saw);
}

function sentence(tooMuch: Matrix['cells'], tooLittle: Matrix['cells']): string {
  const example = (cell: Matrix['cells'][number]) =>
    `${cell.client} ${cell.route.replace('http://', '')} (${cell.status || cell.detail})`;
  const parts: string[] = [];
  if (tooMuch.length > 0)
    parts.push(`Too much: ${count(tooMuch.length, 'request')} not denied, such as ${example(tooMuch[0]!)}.`);
  if (tooLittle.length > 0)
    parts.push(`Too little: ${count(tooLittle.length, 'request')} not let through, such as ${example(tooLittle[0]!)}.`);
  return parts.join(' ');
}

/** 403 is the mesh's denial (linkerd.md 3.4); 404 is a route that nobody may take or that is not there. */
function judge(answer: Answer | undefined): Pick<Matrix['cells'][number], 'observed' | 'status' | 'detail'> {
  if (!answer) return { observed: 'unknown', status: 0, detail: 'not asked' };
  const { status, exit } = answer;
  if (status === 403) return { observed: 'deny', status };
  // An opaque or TLS port denies by closing the connection (curl 52, 56).
  if (status === 0)
    return exit === 52 || exit === 56
      ? { observed: 'deny', status, detail: `curl ${exit}` }
      : { observed: 'unreachable', status, detail: `curl ${exit}` };
  if (status === 404) return { observed: 'deny', status };
  if (status >= 500) return { observed: 'unreachable', status };
  return { observed: 'allow', status };
}
