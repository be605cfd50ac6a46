/** What a verb of step knows. */
export interface StepVerb {
  /** After `step`, e.g. `certificate create`. */
  path: string;
  /** `<subject> <crt-file> <key-file>` and so on, for the usage line. */
  usage: string;
  summary: string;
  /** Flag name to its one-line help; a help that begins with `=` is a flag with a value. */
  flags: Record<string, string>;
}

/** An error of step's own; printed alone, exit code 1 unless another is given. */
export class StepError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface StepArgs {
  args: string[];
  bool(name: string): boolean;
  /** The last value given, or ''. */
  get(name: string): string;
  all(name: string): string[];
  has(name: string): boolean;
}

const SHORT: Record<string, string> = { f: 'force', v: 'verbose', h: 'help' };

/** Reads flags anywhere among the arguments, with one dash or two, as Go's flag package takes them. */
export function parseStepFlags(verb: StepVerb, argv: readonly string[]): StepArgs {
  const values = new Map<string, string[]>();
  const args: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') {
      args.push(...argv.slice(i + 1));
      break;
    }
    const match = /^--?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(word);
    if (!match) {
      args.push(word);
      continue;
    }
    const name = SHORT[match[1]!] ?? match[1]!;
    const help = name === 'help' ? '' : verb.flags[name];
    if (help === undefined) throw new StepError(`flag provided but not defined: -${match[1]}`);
    let value = match[2];
    if (help.startsWith('=') && value === undefined) {
      if (i + 1 >= argv.length) throw new StepError(`flag needs an argument: -${match[1]}`);
      value = argv[++i]!;
    }
    values.set(name, [...(values.get(name) ?? []), value ?? 'true']);
  }
  return {
    args,
    bool: (name) => values.get(name)?.at(-1) === 'true',
    get: (name) => values.get(name)?.at(-1) ?? '',
    all: (name) => values.get(name) ?? [],
    has: (name) => values.has(name),
  };
}

/** Refuses too few and too many arguments in step's words. */
export function expectArguments(verb: StepVerb, flags: StepArgs, least: number, most = least): void {
  const usage = `step ${verb.path} ${verb.usage}`.trim();
  if (flags.args.length < least) throw new StepError(`not enough positional arguments were provided in '${usage}'`);
  if (flags.args.length > most) throw new StepError(`too many positional arguments were provided in '${usage}'`);
}

export const invalidFlag = (flag: string, value: string, options = ''): StepError =>
  new StepError(
    (value === '' ? `missing value for flag '--${flag}'` : `invalid value '${value}' for flag '--${flag}'`) +
      (options ? `; options are ${options}` : ''),
  );
