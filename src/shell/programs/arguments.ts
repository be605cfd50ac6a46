/** Options of a program's command line, as getopt_long reads them. */
export interface Options {
  /** Short letter or long name → given values, in order; a flag gives ''. */
  readonly given: ReadonlyMap<string, string[]>;
  readonly operands: string[];
  has(...names: string[]): boolean;
  /** The last value of an option. */
  value(...names: string[]): string | undefined;
}

export class UsageError extends Error {
  readonly status: number;
  constructor(message: string, status = 1) {
    super(message);
    this.status = status;
  }
}

/**
 * `letters` as for getopt: a letter with `:` takes a value. Long names map to the same (`'line-buffered'`, `'lines:'`);
 * `alias` gives the letter that a long name stands for. With `untilOperand` options end at the first operand.
 */
export function parseOptions(
  args: readonly string[],
  letters: string,
  o: { long?: readonly string[]; alias?: Record<string, string>; untilOperand?: boolean; status?: number } = {},
): Options {
  const given = new Map<string, string[]>();
  const operands: string[] = [];
  const put = (name: string, value: string) => {
    const key = o.alias?.[name] ?? name;
    given.set(key, [...(given.get(key) ?? []), value]);
  };
  const fail = (message: string): never => {
    throw new UsageError(message, o.status ?? 1);
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--') {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (arg.startsWith('--')) {
      const at = arg.indexOf('=');
      const name = at < 0 ? arg.slice(2) : arg.slice(2, at);
      const known = o.long?.find((each) => each.replace(/:{0,2}$/, '') === name);
      if (!known) return fail(`unrecognized option '--${name}'`);
      if (known.endsWith('::')) put(name, at < 0 ? '' : arg.slice(at + 1));
      else if (known.endsWith(':')) {
        const value = at < 0 ? args[++i] : arg.slice(at + 1);
        if (value === undefined) return fail(`option '--${name}' requires an argument`);
        put(name, value);
      } else put(name, '');
      continue;
    }
    if (!/^-./.test(arg)) {
      operands.push(arg);
      if (!o.untilOperand) continue;
      operands.push(...args.slice(i + 1));
      break;
    }
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at]!;
      const place = letters.indexOf(letter);
      if (place < 0 || letter === ':') return fail(`invalid option -- '${letter}'`);
      if (letters[place + 1] !== ':') {
        put(letter, '');
        continue;
      }
      const value = arg.slice(at + 1) || args[++i];
      if (value === undefined) return fail(`option requires an argument -- '${letter}'`);
      put(letter, value);
      break;
    }
  }
  return {
    given,
    operands,
    has: (...names) => names.some((name) => given.has(name)),
    value: (...names) => names.flatMap((name) => given.get(name) ?? []).at(-1),
  };
}
