import { OBSERVATIONS } from '#schema/observation.ts';
import type { LabWorld } from './lab-world.ts';
import type { Mistake } from './mistakes.ts';
import { didYouMean } from './nearest.ts';
import type { Prose, Tag } from './prose.ts';

const VIEWS = ['certificates', 'policy', 'traffic', 'events'];
const KINDS = Object.keys(OBSERVATIONS) as (keyof typeof OBSERVATIONS)[];
/** What the page itself uses, beside what is asked of the cluster. */
const OF_THE_PAGE = ['label'];

/** All attributes that an `<Observe>` may have, of one kind or another. */
export const OBSERVE_ATTRIBUTES: string[] = [
  ...new Set(['view', ...OF_THE_PAGE, ...KINDS.flatMap((kind) => Object.keys(OBSERVATIONS[kind].shape))]),
];

/** What is wrong with the attributes of one `<Observe>`, in sentences. */
export function observationMistakes(attributes: Tag['attributes']): string[] {
  const kinds = ['view', ...KINDS].filter((name) => name in attributes);
  if (kinds.length !== 1)
    return [
      `<Observe> needs one of view="…", certificate="…", rate="…" and object="…"${kinds.length > 1 ? `, not ${kinds.join(' and ')}` : ''}.`,
    ];
  const [kind] = kinds as [string];
  if (kind === 'view') return viewMistakes(attributes);
  const schema = OBSERVATIONS[kind as keyof typeof OBSERVATIONS];
  const known = Object.keys(schema.shape);
  const wanted = Object.fromEntries(Object.entries(attributes).filter(([name]) => !OF_THE_PAGE.includes(name)));
  const parsed = schema.safeParse(wanted);
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys
        .filter((name) => OBSERVE_ATTRIBUTES.includes(name))
        .map((name) => `<Observe ${kind}="…"> has no attribute "${name}": ${known.join(', ')}.`);
    const name = String(issue.path[0]);
    const value = wanted[name];
    if (value === undefined) return [`<Observe ${kind}="…"> needs ${name}="…".`];
    if (issue.code === 'invalid_value') {
      const allowed = issue.values.map(String);
      return [`${name}="${String(value)}" is none of ${allowed.join(', ')}.${didYouMean(String(value), allowed)}`];
    }
    return [`${name}="${String(value)}": ${issue.message}.`];
  });
}

function viewMistakes(attributes: Tag['attributes']): string[] {
  const view = attributes['view'];
  const others = Object.keys(attributes).filter((name) => name !== 'view' && OBSERVE_ATTRIBUTES.includes(name));
  return [
    ...(typeof view === 'string' && !VIEWS.includes(view)
      ? [`there is no view "${view}": ${VIEWS.join(', ')}.${didYouMean(view, VIEWS)}`]
      : []),
    ...others.map((name) => `<Observe view="…"> has no attribute "${name}".`),
  ];
}

/** Values that nobody could ever see: the lesson has no lab, or the lab has no such workload, traffic or mesh. */
export function unseenValues(file: string, prose: Prose, world: LabWorld | undefined, hasLab: boolean): Mistake[] {
  return prose.tags.flatMap((tag) => {
    if (tag.name !== 'Observe' || tag.kind === 'close') return [];
    const message = unseen(tag.attributes, world, hasLab);
    return message ? [{ file, line: tag.line, column: tag.column, message }] : [];
  });
}

function unseen(attributes: Tag['attributes'], world: LabWorld | undefined, hasLab: boolean): string | undefined {
  const kind = KINDS.find((name) => name in attributes);
  const of = kind && attributes[kind];
  if (typeof of !== 'string') return undefined;
  if (!hasLab) return 'a value of the cluster has no cluster here: the front matter names no lab.';
  if (!world) return undefined;
  if (kind === 'rate' && of === 'traffic') return world.traffic ? undefined : 'this lesson’s lab has no `traffic`.';
  if (kind !== 'object' && !world.mesh) return undefined;
  if (!/^(deployment|statefulset|daemonset|pod)\//.test(of) || !world.complete) return undefined;
  const namespace = typeof attributes['namespace'] === 'string' ? attributes['namespace'] : 'shop';
  if (world.objects.has(`${namespace} ${of}`)) return undefined;
  const there = [...world.objects].filter((one) => one.startsWith(`${namespace} `)).map((one) => one.split(' ')[1]!);
  return `the lab has no ${of} in the namespace ${namespace}.${didYouMean(of, there)}`;
}
