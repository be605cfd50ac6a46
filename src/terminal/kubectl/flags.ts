import { parseGoDuration } from './age.ts';
import data from './data/flags.json' with { type: 'json' };
import { CliError } from './errors.ts';

type Type = 'bool' | 'int' | 'duration' | 'string' | 'list';

export interface Flag {
  name: string;
  short: string;
  type: Type;
  default: string;
}

interface Entry {
  usage: string;
  flags: string[];
  verbs?: string[];
}
const ENTRIES = data as Record<string, Entry>;

/** Flags that still work and are listed nowhere. */
const DEPRECATED: Record<string, { flag: Flag; advice: string }> = {
  'autoscale cpu-percent': {
    flag: { name: 'cpu-percent', short: '', type: 'int', default: '-1' },
    advice:
      "Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).",
  },
};

/** What a flag means when it is given without a value. */
const ALONE: Record<string, string> = { 'dry-run': 'unchanged', validate: 'strict', cascade: 'background' };
/** Lists whose values are taken whole; all others are split at commas. */
const WHOLE = new Set([
  'from-literal',
  'env',
  'rule',
  'as-group',
  'as-user-extra',
  'annotations',
  'annotation',
  'user',
  'group',
]);

/** The usage line, flags and subcommands of a command, e.g. `create configmap`; undefined when there is none. */
export function commandEntry(path: string[]): { usage: string; flags: Flag[]; verbs: string[] } | undefined {
  const entry = ENTRIES[path.join(' ')];
  if (!entry) return undefined;
  return { usage: entry.usage, flags: entry.flags.map(parseFlag), verbs: entry.verbs ?? [] };
}

function parseFlag(text: string): Flag {
  const [name, short, type, ...rest] = text.split('|');
  return { name: name!, short: short!, type: type as Type, default: rest.join('|') };
}

export const GLOBAL_FLAGS: Flag[] = ENTRIES['']!.flags.map(parseFlag);

/** The flags that were given, by name. */
export class Flags {
  readonly args: string[] = [];
  /** How many arguments stood before `--`; -1 without one. */
  dash = -1;
  readonly #known = new Map<string, Flag>();
  readonly #short = new Map<string, Flag>();
  readonly #given = new Map<string, string[]>();
  readonly #command: string;
  readonly #advice = new Map<string, string>();
  /** Lines to print about deprecated flags that were given. */
  readonly warnings: string[] = [];

  constructor(path: string[], flags: Flag[]) {
    this.#command = ['kubectl', ...path].join(' ');
    const help: Flag = { name: 'help', short: 'h', type: 'bool', default: 'false' };
    for (const [name, { flag, advice }] of Object.entries(DEPRECATED)) {
      if (!name.startsWith(`${path.join(' ')} `)) continue;
      this.#known.set(flag.name, flag);
      this.#advice.set(flag.name, `Flag --${flag.name} has been deprecated, ${advice}`);
    }
    for (const flag of [help, ...GLOBAL_FLAGS, ...flags]) {
      this.#known.set(flag.name, flag);
      if (flag.short) this.#short.set(flag.short, flag);
    }
  }

  /** Parses as pflag does; `stopAtFirst` leaves all after the first argument alone. */
  parse(words: string[]): void {
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      if (word === '--') {
        this.dash = this.args.length;
        this.args.push(...words.slice(i + 1));
        return;
      }
      if (word.startsWith('--')) i = this.#long(words, i);
      else if (word.startsWith('-') && word !== '-') i = this.#letters(words, i);
      else this.args.push(word);
    }
  }

  #fail(message: string): never {
    throw new CliError(`${message}\nSee '${this.#command} --help' for usage.`);
  }

  #long(words: string[], i: number): number {
    const word = words[i]!;
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const flag = this.#known.get(name);
    if (!flag) this.#fail(`unknown flag: --${name}`);
    if (equals >= 0) this.#set(flag, word.slice(equals + 1), `--${name}`);
    else if (flag.type === 'bool') this.#set(flag, 'true', `--${name}`);
    else if (ALONE[name]) this.#set(flag, ALONE[name], `--${name}`);
    else {
      if (i + 1 >= words.length) this.#fail(`flag needs an argument: --${name}`);
      this.#set(flag, words[++i]!, `--${name}`);
    }
    return i;
  }

  #letters(words: string[], i: number): number {
    const word = words[i]!;
    for (let at = 1; at < word.length; at++) {
      const letter = word[at]!;
      const flag = this.#short.get(letter);
      if (!flag) this.#fail(`unknown shorthand flag: '${letter}' in ${word}`);
      const label = `-${letter}, --${flag.name}`;
      const rest = word.slice(at + 1);
      if (rest.startsWith('=')) {
        this.#set(flag, rest.slice(1), label);
        return i;
      }
      if (flag.type === 'bool') {
        this.#set(flag, 'true', label);
        continue;
      }
      if (rest !== '') {
        this.#set(flag, rest, label);
        return i;
      }
      if (i + 1 >= words.length) this.#fail(`flag needs an argument: '${letter}' in ${word}`);
      this.#set(flag, words[i + 1]!, label);
      return i + 1;
    }
    return i;
  }

  #set(flag: Flag, value: string, label: string): void {
    const shown = flag.short ? `-${flag.short}, --${flag.name}` : label;
    const wrong = (why: string) => this.#fail(`invalid argument ${JSON.stringify(value)} for "${shown}" flag: ${why}`);
    if (flag.type === 'bool' && !/^(1|0|t|f|true|false|TRUE|FALSE|True|False|T|F)$/.test(value)) {
      wrong(`strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
    }
    if (flag.type === 'int' && !/^[-+]?\d+$/.test(value)) {
      wrong(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
    }
    if (flag.type === 'duration' && parseGoDuration(value) === undefined) {
      wrong(`time: invalid duration ${JSON.stringify(value)}`);
    }
    const advice = this.#advice.get(flag.name);
    if (advice) this.warnings.push(advice);
    this.#given.set(flag.name, [...(this.#given.get(flag.name) ?? []), value]);
  }

  has(name: string): boolean {
    return this.#given.has(name);
  }
  get(name: string): string {
    return this.#given.get(name)?.at(-1) ?? this.#known.get(name)?.default ?? '';
  }
  bool(name: string): boolean {
    return /^(1|t|true)$/i.test(this.get(name));
  }
  int(name: string): number {
    return Number(this.get(name));
  }
  /** Milliseconds. */
  duration(name: string): number {
    return parseGoDuration(this.get(name)) ?? 0;
  }
  list(name: string): string[] {
    const values = this.#given.get(name) ?? [];
    return WHOLE.has(name) ? values : values.flatMap((value) => value.split(','));
  }
  /** Every value as it was given. */
  all(name: string): string[] {
    return this.#given.get(name) ?? [];
  }
}
