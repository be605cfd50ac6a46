/** An error that a command of openssl prints by itself; exit code 1. */
export class OpensslError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface Options {
  /** Options in the order given, each with its value. */
  list: [name: string, value: string][];
  has(name: string): boolean;
  /** The last value given, or undefined. */
  get(name: string): string | undefined;
  all(name: string): string[];
  /** What follows the options. */
  rest: string[];
}

/** What an option takes: nothing, or a value. */
export type OptionTable = Record<string, 'flag' | 'value'>;

/**
 * Reads options as OpenSSL's commands do: one dash or two, values as the next word, and nothing after the first word without a
 * dash. Options that OpenSSL has and this one does not are named in `refused`.
 */
export function readOptions(
  command: string,
  table: OptionTable,
  argv: readonly string[],
  refused: Record<string, string> = {},
): Options {
  const list: [string, string][] = [];
  let i = 0;
  for (; i < argv.length; i++) {
    const word = argv[i]!;
    if (!word.startsWith('-') || word === '-') break;
    if (word === '--') {
      i++;
      break;
    }
    const name = word.replace(/^--?/, '');
    const kind = Object.hasOwn(table, name) ? table[name] : undefined;
    if (Object.hasOwn(refused, name))
      throw new OpensslError(`${command}: -${name} is not available here: ${refused[name]}`);
    if (!kind) throw new OpensslError(`${command}: Unknown option: -${name}\n${command}: Use -help for summary.`);
    if (kind === 'value' && i + 1 >= argv.length)
      throw new OpensslError(`${command}: Option -${name} needs a value\n${command}: Use -help for summary.`);
    list.push([name, kind === 'value' ? argv[++i]! : '']);
  }
  return {
    list,
    has: (name) => list.some(([each]) => each === name),
    get: (name) => list.findLast(([each]) => each === name)?.[1],
    all: (name) => list.filter(([each]) => each === name).map(([, value]) => value),
    rest: argv.slice(i),
  };
}

/** Digest names that may stand as options, e.g. `-sha256`. */
export const DIGESTS: Record<string, string> = {
  sha1: 'SHA1',
  sha224: 'SHA2-224',
  sha256: 'SHA2-256',
  sha384: 'SHA2-384',
  sha512: 'SHA2-512',
  md5: 'MD5',
  'sha3-256': 'SHA3-256',
};

export const DIGEST_OPTIONS: OptionTable = Object.fromEntries(Object.keys(DIGESTS).map((name) => [name, 'flag']));
