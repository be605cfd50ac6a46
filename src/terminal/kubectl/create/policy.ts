import { createMade } from '../create.ts';
import { CliError } from '../errors.ts';
import type { Invocation } from '../verb.ts';
import { metaOf, nameArgument, requireFlags } from './name.ts';

const numberOrText = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);

export async function createPodDisruptionBudget(k: Invocation): Promise<void> {
  requireFlags(k, 'selector');
  const name = nameArgument(k);
  const [least, most] = [k.flags.get('min-available'), k.flags.get('max-unavailable')];
  if (!least && !most) throw new CliError('one of min-available or max-unavailable must be specified');
  if (least && most) throw new CliError('min-available and max-unavailable cannot be both specified');
  const spec = {
    ...(least ? { minAvailable: numberOrText(least) } : {}),
    selector: selectorOf(k.flags.get('selector')),
    ...(most ? { maxUnavailable: numberOrText(most) } : {}),
  };
  const status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  const budget = { kind: 'PodDisruptionBudget', apiVersion: 'policy/v1', metadata: metaOf(k, name), spec, status };
  await createMade(k, budget, { failed: 'failed to create poddisruptionbudgets:' });
}

function selectorOf(text: string) {
  const pairs = text.split(',').map((each) => each.split(/==?/));
  return { matchLabels: Object.fromEntries(pairs.map(([key, value = '']) => [key!.trim(), value.trim()])) };
}

export async function createQuota(k: Invocation): Promise<void> {
  const name = nameArgument(k);
  const hard = Object.fromEntries(
    k.flags.list('hard').map((each) => {
      const [key = '', value] = each.split('=');
      if (value === undefined) throw new CliError(`Invalid argument syntax ${each}, expected <resource>=<value>`);
      return [key, value];
    }),
  );
  const scopes = k.flags.list('scopes');
  const spec = { hard, ...(scopes.length > 0 ? { scopes } : {}) };
  const quota = { kind: 'ResourceQuota', apiVersion: 'v1', metadata: metaOf(k, name), spec, status: {} };
  await createMade(k, quota, { failed: 'failed to create quota:' });
}

export async function createPriorityClass(k: Invocation): Promise<void> {
  const name = nameArgument(k);
  const object = {
    kind: 'PriorityClass',
    apiVersion: 'scheduling.k8s.io/v1',
    metadata: { name },
    value: k.flags.int('value'),
    ...(k.flags.bool('global-default') ? { globalDefault: true } : {}),
    ...(k.flags.get('description') ? { description: k.flags.get('description') } : {}),
    preemptionPolicy: k.flags.get('preemption-policy') || 'PreemptLowerPriority',
  };
  await createMade(k, object, { failed: 'failed to create priorityclass:' });
}
