/** One flag as pflag describes it. `type` absent: a switch. */
export interface Flag {
  name: string;
  short?: string;
  type?: 'string' | 'int' | 'uint' | 'uint32' | 'duration' | 'strings' | 'stringArray' | 'float32';
  /** As `--help` shows it, e.g. `"table"`, `5m0s`, `false`. */
  default?: string;
  usage: string;
}

export interface Parsed {
  args: string[];
  /** Last value of each flag given; switches are `true` or `false`. */
  values: Map<string, string>;
  /** Every value of flags that may be repeated. */
  all: Map<string, string[]>;
}

export class UsageError extends Error {}

/** Parses as pflag does: `--a=b`, `--a b`, `-a b`, `-ab`; flags and arguments may mix; `--` ends the flags. */
export function parseFlags(argv: string[], flags: Flag[]): Parsed {
  const out: Parsed = { args: [], values: new Map(), all: new Map() };
  const put = (flag: Flag, value: string) => {
    const wrong = unreadable(flag, value);
    if (wrong) {
      const spelled = flag.short ? `-${flag.short}, --${flag.name}` : `--${flag.name}`;
      throw new UsageError(`invalid argument ${JSON.stringify(value)} for "${spelled}" flag: ${wrong}`);
    }
    out.values.set(flag.name, value);
    out.all.set(flag.name, [...(out.all.get(flag.name) ?? []), value]);
  };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') {
      out.args.push(...argv.slice(i + 1));
      break;
    }
    if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
      const flag = flags.find((each) => each.name === name);
      if (!flag) throw new UsageError(`unknown flag: --${name}`);
      if (equals >= 0) put(flag, word.slice(equals + 1));
      else if (!flag.type) put(flag, 'true');
      else if (i + 1 < argv.length) put(flag, argv[++i]!);
      else throw new UsageError(`flag needs an argument: --${name}`);
    } else if (word.startsWith('-') && word !== '-') {
      i = shorthand(word, i, argv, flags, put);
    } else out.args.push(word);
  }
  return out;
}

/** Why a value is none of its flag's type, in Go's words; undefined when it is one. */
function unreadable({ type }: Flag, value: string): string | undefined {
  const syntax = (reader: string) => `strconv.${reader}: parsing ${JSON.stringify(value)}: invalid syntax`;
  switch (type) {
    case undefined:
      return /^(1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/.test(value) ? undefined : syntax('ParseBool');
    case 'int':
      return /^[+-]?\d+$/.test(value) ? undefined : syntax('ParseInt');
    case 'uint':
      return /^\d+$/.test(value) ? undefined : syntax('ParseUint');
    case 'float32':
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? undefined : syntax('ParseFloat');
    case 'duration':
      return durationProblem(value);
    default:
      return undefined;
  }
}

function durationProblem(text: string): string | undefined {
  if (text === '0' || /^[+-]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  const quoted = JSON.stringify(text);
  if (/^[+-]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))*\d+(\.\d*)?$/.test(text))
    return `time: missing unit in duration ${quoted}`;
  const [, unit] = /^[+-]?(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))*\d+(?:\.\d*)?([^\d.]+)/.exec(text) ?? [];
  return unit ? `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}` : `time: invalid duration ${quoted}`;
}

function shorthand(
  word: string,
  index: number,
  argv: string[],
  flags: Flag[],
  put: (flag: Flag, value: string) => void,
): number {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at]!;
    const flag = flags.find((each) => each.short === letter);
    if (!flag) throw new UsageError(`unknown shorthand flag: '${letter}' in ${word}`);
    if (!flag.type) {
      put(flag, 'true');
      continue;
    }
    const rest = word.slice(at + 1).replace(/^=/, '');
    if (rest !== '') {
      put(flag, rest);
      return index;
    }
    if (index + 1 >= argv.length) throw new UsageError(`flag needs an argument: '${letter}' in ${word}`);
    put(flag, argv[index + 1]!);
    return index + 1;
  }
  return index;
}

/** The flags of a command as `--help` lists them: aligned, sorted by name. */
export function flagUsages(flags: Flag[]): string {
  const rows = [...flags]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((flag) => {
      const type = flag.type ? ` ${flag.type}` : '';
      const left = `${flag.short ? `  -${flag.short}, ` : '      '}--${flag.name}${type}`;
      const fallback = flag.default === undefined ? '' : ` (default ${flag.default})`;
      return { left, right: `${flag.usage}${fallback}` };
    });
  const width = Math.max(...rows.map((row) => row.left.length)) + 3;
  return rows.map((row) => `${row.left.padEnd(width)}${row.right}\n`).join('');
}

export const GLOBAL_FLAGS: Flag[] = [
  {
    name: 'api-addr',
    type: 'string',
    usage: 'Override kubeconfig and communicate directly with the control plane at host:port (mostly for testing)',
  },
  { name: 'as', type: 'string', usage: 'Username to impersonate for Kubernetes operations' },
  { name: 'as-group', type: 'stringArray', usage: 'Group to impersonate for Kubernetes operations' },
  {
    name: 'cni-namespace',
    type: 'string',
    default: '"linkerd-cni"',
    usage: 'Namespace in which the Linkerd CNI plugin is installed',
  },
  { name: 'context', type: 'string', usage: 'Name of the kubeconfig context to use' },
  { name: 'kubeconfig', type: 'string', usage: 'Path to the kubeconfig file to use for CLI requests' },
  {
    name: 'linkerd-namespace',
    short: 'L',
    type: 'string',
    default: '"linkerd"',
    usage: 'Namespace in which Linkerd is installed ($LINKERD_NAMESPACE)',
  },
  { name: 'verbose', usage: 'Turn on debug logging' },
];
