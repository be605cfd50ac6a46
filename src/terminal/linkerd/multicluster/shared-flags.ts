import type { Flag } from '../flags.ts';
import { UsageError } from '../flags.ts';
import type { Invocation } from '../verb.ts';

export const OUTPUT: Flag = {
  name: 'output',
  short: 'o',
  type: 'string',
  default: '"yaml"',
  usage: 'Output format. One of: json|yaml',
};

/** What is wrong, with the usage below it, as all verbs of the extension say it. */
export const refuse = (message: string): never => {
  throw new UsageError(message);
};

/** Last value of a flag, or what it is without. */
export const textOf = ({ flags }: Invocation, name: string, otherwise = ''): string =>
  flags.values.get(name) ?? otherwise;

/** A switch that is on unless it is said otherwise. */
export const isOn = (invocation: Invocation, name: string): boolean => textOf(invocation, name, 'true') !== 'false';

/** Every value of a flag that takes several, comma separated or repeated. */
export const listOf = ({ flags }: Invocation, name: string): string[] =>
  (flags.all.get(name) ?? []).flatMap((each) => each.split(',')).filter(Boolean);
