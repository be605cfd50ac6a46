import { Environment } from '@marcbachmann/cel-js';
import { z } from 'zod';
import type { KubeObject } from '#kube/api/types.ts';
import { defineCheck, failed, passed } from '../check.ts';

type Condition = (context: { object: unknown }) => unknown;
const environment = new Environment({ unlistedVariablesAreDyn: true });
const compiled = new Map<string, Condition>();

/** A condition in CEL, compiled once. Throws what is wrong with it. */
function compile(text: string): Condition {
  const known = compiled.get(text);
  if (known) return known;
  const condition = environment.parse(text) as unknown as Condition;
  compiled.set(text, condition);
  return condition;
}

const cel = z.string().superRefine((text, context) => {
  try {
    compile(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is no CEL: ${(error as Error).message.split('\n')[0]}` });
  }
});

const params = z.strictObject({
  apiVersion: z.string().min(1).describe('As in a manifest: `v1`, `apps/v1`, `policy.linkerd.io/v1beta3`.'),
  resource: z
    .string()
    .regex(/^[a-z]+$/, 'write the plural, in lower case')
    .describe('The plural in lower case: `configmaps`, `deployments`, `servers`.'),
  namespace: z.string().optional().describe('Its namespace; absent for kinds that have none.'),
  name: z.string().min(1).describe('Its name.'),
  absent: z.literal(true).optional().describe('It must not be there.'),
  condition: z
    .string()
    .regex(/^[A-Za-z]+(=(True|False|Unknown))?$/, 'write a condition’s type, or type=status: `Ready`, `Accepted=False`')
    .optional()
    .describe(
      'A condition of its status, `True` unless said otherwise: `Available`, `Accepted=False`. For routes: at every parent.',
    ),
  where: cel.optional().describe('What must hold for it, in CEL: `object.data.caller == "billing"`.'),
  otherwise: z
    .string()
    .optional()
    .describe('What is said when it is there and the condition does not hold. Give no answer away.'),
});

/** An object of the cluster, and a condition on it. Also how a learner hands in a finding: as a ConfigMap. */
export const object = defineCheck<z.infer<typeof params>>({
  name: 'object',
  summary: 'Whether an object exists, and whether a condition in CEL holds for it.',
  params,
  triggers: ({ apiVersion, resource, namespace }) => [
    { ...target(apiVersion, resource), ...(namespace ? { namespace } : {}) },
  ],
  async run({ apiVersion, resource, namespace, name, absent, condition, where, otherwise }, { client, clock }) {
    const what = `${resource}/${name}${namespace ? ` in ${namespace}` : ''}`;
    const found = await client
      .get({ ...target(apiVersion, resource), ...(namespace ? { namespace } : {}) }, name)
      .catch((error: unknown): undefined => {
        if ((error as { status?: { code?: number } }).status?.code === 404) return undefined;
        throw error;
      });
    if (!found)
      return absent ? passed(`There is no ${what}.`, [], ['absent']) : failed(`There is no ${what}.`, [], ['absent']);
    const evidence = { type: 'object' as const, at: clock.now(), what, value: shown(found) };
    if (absent) return failed(`${what} is still there.`, [evidence], ['present']);
    const [type, status = 'True'] = condition?.split('=') ?? [];
    const other = type === undefined ? undefined : otherThan(found, type, status);
    if (other) return failed(`${what}: ${other}.`, [evidence], ['condition differs']);
    if (where === undefined)
      return passed(condition ? `${what} is ${condition}.` : `${what} is there.`, [evidence], ['present']);
    if (!holds(where, found))
      return failed(otherwise ?? `${what} is there, and not as asked for.`, [evidence], ['differs']);
    return passed(`${what} is as asked for.`, [evidence], ['present']);
  },
});

/** What a condition is instead of what was asked, in words; undefined when it is so everywhere. */
function otherThan(found: KubeObject, type: string, wanted: string): string | undefined {
  type Condition = { type: string; status: string; reason?: string; message?: string };
  const parents: { conditions?: Condition[] }[] = found.status?.parents ?? [];
  const places =
    parents.length > 0 ? parents.map((parent) => parent.conditions ?? []) : [found.status?.conditions ?? []];
  for (const conditions of places as Condition[][]) {
    const one = conditions.find((each) => each.type === type);
    if (!one) return `it has no condition ${type} yet`;
    if (one.status !== wanted) {
      const why = one.message || one.reason;
      return `${type} is ${one.status}, not ${wanted}${why ? ` (${why})` : ''}`;
    }
  }
  return undefined;
}

/** A condition that names a field which is not there does not hold. */
function holds(where: string, found: KubeObject): boolean {
  try {
    return compile(where)({ object: asCel(found) }) === true;
  } catch {
    return false;
  }
}

/** CEL tells whole numbers from others. */
function asCel(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map(asCel);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asCel(inner)]));
}

function target(apiVersion: string, resource: string): { group: string; version: string; resource: string } {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return { group, version, resource };
}

const MOST_SHOWN = 300;
function shown(found: KubeObject): string {
  // A Secret's content is nobody's evidence.
  const { kind, spec, data } = found;
  const text = kind === 'Secret' ? 'a Secret' : JSON.stringify(spec ?? data ?? {});
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}
