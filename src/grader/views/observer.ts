import type { ApiResource } from '#kube/client/client.ts';
import type { Handshake } from '#schema/evidence.ts';
import { type Observation, type Observed, observationKey } from '#schema/observation.ts';
import type { CheckContext } from '../check.ts';
import { meshCertificates, selectsPod } from '../probes/mesh.ts';
import { percent, successesOfPods, successesOfTraffic } from '../probes/successes.ts';

type Value = Observed['value'];
type Wanted<K extends string> = Extract<Observation, Record<K, unknown>>;

/** How far back a success rate is counted. */
const RATE_SECONDS = 10;
/** Longer values would not read in a sentence. */
const MOST_CHARACTERS = 120;
/** A leaf is dated back by the clock-skew allowance, ms. */
const DATED_BACK_MS = 20_000;

const text = (value: string): Value => ({
  is: 'text',
  text: value.length > MOST_CHARACTERS ? `${value.slice(0, MOST_CHARACTERS)}…` : value,
});
const absent = (why: string): Value => ({ is: 'absent', why });

/** Looks up the values that lessons show in their text. What can't be seen now is said in a word, and never guessed. */
export async function observe(wanted: Observation[], context: CheckContext): Promise<Observed[]> {
  return Promise.all(
    wanted.map(async (one) => ({
      key: observationKey(one),
      value: await look(one, context).catch(() => absent('no answer')),
    })),
  );
}

function look(wanted: Observation, context: CheckContext): Promise<Value> {
  if ('certificate' in wanted) return certificate(wanted, context);
  if ('rate' in wanted) return rate(wanted, context);
  return field(wanted, context);
}

async function certificate(wanted: Wanted<'certificate'>, context: CheckContext): Promise<Value> {
  const { client, names, clock, handshakes } = context;
  if (wanted.certificate === 'issuer' || wanted.certificate === 'trust-anchor') {
    const { bundle } = await meshCertificates(client, names, clock.now());
    const found = wanted.certificate === 'issuer' ? bundle.issuer : bundle.anchors[0];
    if (!found) return absent('none');
    if (wanted.show === 'age') return { is: 'since', at: found.notBefore };
    if (wanted.show === 'left') return { is: 'until', at: found.notAfter };
    if (wanted.show === 'identity') return text(found.subject);
    return text(found.issuer === found.subject ? 'itself' : (signerOf(found.issuer, context) ?? found.issuer));
  }
  const [kind, name] = wanted.certificate.split('/') as [string, string];
  const all = await handshakes.all();
  const pods = all.filter(
    (pod) =>
      selectsPod(`${wanted.namespace}/${name}`, { namespace: pod.namespace, name: pod.pod, workload: pod.workload }) &&
      (kind === 'pod' ? pod.pod === name : pod.workload === `${kind}/${name}`),
  );
  if (pods.length === 0) return absent('no meshed pod');
  const shown = pods.filter((pod) => pod.chain.length > 0);
  if (shown.length === 0) return absent('no handshake');
  return ofLeaves(shown, wanted.show);
}

/** Of several pods the one that a reader has to know of: the oldest leaf, the one that ends first, every issuer. */
function ofLeaves(pods: Handshake[], show: Wanted<'certificate'>['show']): Value {
  const leaves = pods.map((pod) => pod.chain[0]!);
  switch (show) {
    case 'age':
      return { is: 'since', at: Math.min(...leaves.map((leaf) => leaf.notBefore)) + DATED_BACK_MS };
    case 'left':
      return { is: 'until', at: Math.min(...leaves.map((leaf) => leaf.notAfter)) };
    case 'identity':
      return text([...new Set(leaves.flatMap((leaf) => leaf.dnsNames))].join(', '));
    case 'issuer':
      return text([...new Set(pods.map((pod) => pod.chain[1]?.label ?? pod.chain[0]!.issuer))].sort().join(' and '));
  }
}

/** `anchor 2` for the newest anchor with this name. */
const signerOf = (subject: string, { names }: CheckContext): string | undefined =>
  names
    .all('anchor')
    .filter((anchor) => anchor.subject === subject)
    .at(-1)?.label;

async function rate({ rate: of, namespace }: Wanted<'rate'>, context: CheckContext): Promise<Value> {
  const inbound = { seconds: RATE_SECONDS, direction: 'inbound', labels: {} } as const;
  const { ok, total } =
    of === 'traffic'
      ? successesOfTraffic(RATE_SECONDS, context)
      : await successesOfPods(`${namespace}/${of.replace('deployment/', '')}`, inbound, context);
  return total === 0 ? absent('no requests') : text(percent(ok / total));
}

async function field(wanted: Wanted<'object'>, { client }: CheckContext): Promise<Value> {
  const [kind, name] = wanted.object.split('/') as [string, string];
  const resource = served(await client.discover(), kind);
  if (!resource) return absent('no such kind');
  if (resource.group === '' && resource.resource === 'secrets') return absent('not shown');
  const { group, version, resource: plural, namespaced } = resource;
  const object = await client
    .get({ group, version, resource: plural, ...(namespaced ? { namespace: wanted.namespace } : {}) }, name)
    .catch((error: unknown): undefined => {
      if ((error as { status?: { code?: number } }).status?.code === 404) return undefined;
      throw error;
    });
  if (!object) return absent('not there');
  const value = at(object, wanted.field);
  if (value === undefined || value === null) return wanted.unset === undefined ? absent('not set') : text(wanted.unset);
  if (wanted.show === 'value') return text(typeof value === 'object' ? JSON.stringify(value) : String(value));
  const instant = Date.parse(String(value));
  if (Number.isNaN(instant)) return absent('no time');
  return { is: wanted.show === 'age' ? 'since' : 'until', at: instant };
}

/** `deployment`, `deployments`, `deploy`, or with its group. */
function served(resources: ApiResource[], wanted: string): ApiResource | undefined {
  const [kind = '', ...rest] = wanted.split('.');
  const group = rest.length > 0 ? rest.join('.') : undefined;
  return resources.find(
    (each) =>
      (group === undefined || each.group === group) &&
      !each.resource.includes('/') &&
      [each.resource, each.singular, each.kind.toLowerCase(), ...each.shortNames].includes(kind),
  );
}

/** The value at a path such as `status.conditions[0].type` or `metadata.annotations['a.b/c']`. */
function at(object: unknown, path: string): unknown {
  let value = object;
  for (const [, dotted, index, quoted] of path.matchAll(/(?:^|\.)([\w$-]+)|\[(\d+)\]|\['([^']+)'\]/g)) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[dotted ?? index ?? quoted ?? ''];
  }
  return value;
}
