import { OBSERVATIONS } from '#schema/observation.ts';
import { didYouMean } from './nearest.ts';
import type { Tag } from './prose.ts';

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
