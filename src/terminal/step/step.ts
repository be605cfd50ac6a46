import { messageOf } from '#base/errors.ts';
import type { Command, CommandContext } from '#shell/command.ts';
import { CREATE, create } from './create.ts';
import { inspectJwt, JWT_INSPECT, KEYPAIR, keypair } from './crypto.ts';
import { parseStepFlags, StepError, type StepVerb } from './flags.ts';
import { INSPECT, inspect } from './inspect.ts';
import { SIGN, sign } from './sign.ts';
import { BUNDLE, bundle, FINGERPRINT, fingerprint, KEY, key, NEEDS_RENEWAL, needsRenewal } from './small.ts';
import { VERIFY, verify } from './verify.ts';
import type { StepOptions, StepRun } from './world.ts';

export type { StepOptions } from './world.ts';

type Run = (run: StepRun) => Promise<number>;

const VERBS: [StepVerb, Run][] = [
  [BUNDLE, bundle],
  [CREATE, create],
  [FINGERPRINT, fingerprint],
  [INSPECT, inspect],
  [KEY, key],
  [NEEDS_RENEWAL, needsRenewal],
  [SIGN, sign],
  [VERIFY, verify],
  [KEYPAIR, keypair],
  [JWT_INSPECT, inspectJwt],
];

/** Verbs of the real step that are not here, and why. */
const REFUSED: Record<string, string> = {
  ca: 'there is no step-ca in the labs; certificates are made with `step certificate create`',
  ssh: 'there is no SSH here',
  oauth: 'the terminal has no network outside the lab',
  'certificate p12': 'PKCS#12 files are not made here; PEM is what Linkerd and Kubernetes read',
  'certificate install': 'this terminal has no trust store to install into; name the roots with `--roots`',
  'certificate uninstall': 'this terminal has no trust store',
  'certificate lint': 'zlint is not here',
  'certificate format': 'formats are not changed here; `openssl x509 -outform` does it',
};

const VERSION = 'Smallstep CLI (as far as the labs of Mesh Academy use it)\n';

/** `step` for the lab terminal: what courses use, in the words and files of the Smallstep CLI. */
export function createStep(options: StepOptions): Command {
  return {
    name: 'step',
    summary: 'make and read certificates and keys',
    execute: (context) => execute(options, context),
    complete: async (words) => complete(words),
  };
}

async function execute(options: StepOptions, context: CommandContext): Promise<number> {
  const { args, stdout, stderr, signal } = context;
  const words = args[0] === 'help' ? [...args.slice(1), '--help'] : args;
  if (words[0] === 'version' || words[0] === '--version' || words[0] === '-v') {
    await stdout.write(VERSION);
    return 0;
  }
  const found = VERBS.find(([{ path }]) => path.split(' ').every((word, i) => words[i] === word));
  try {
    if (!found) return await unknown(words, context);
    const [verb, run] = found;
    const flags = parseStepFlags(verb, words.slice(verb.path.split(' ').length));
    if (flags.bool('help')) {
      await stdout.write(verbHelp(verb));
      return 0;
    }
    return await run({ context, options, flags });
  } catch (error) {
    signal.throwIfAborted();
    await stderr.write(`${messageOf(error)}\n`);
    return error instanceof StepError ? error.exitCode : 1;
  }
}

async function unknown(words: string[], { stdout, stderr }: CommandContext): Promise<number> {
  const plain = words.filter((word) => !word.startsWith('-'));
  for (const [path, reason] of Object.entries(REFUSED)) {
    if (!path.split(' ').every((word, i) => plain[i] === word)) continue;
    await stderr.write(`step ${path} is not available here: ${reason}\n`);
    return 1;
  }
  const group = GROUPS.findLast((each) => each.split(' ').every((word, i) => plain[i] === word)) ?? '';
  const rest = plain.slice(group === '' ? 0 : group.split(' ').length);
  if (rest.length > 0) {
    await stderr.write(`'${rest[0]}' is not a step${group ? ` ${group}` : ''} command here. See 'step help'.\n`);
    return 1;
  }
  await stdout.write(groupHelp(group));
  return 0;
}

const GROUPS = ['certificate', 'crypto', 'crypto jwt'];

function groupHelp(group: string): string {
  const verbs = VERBS.filter(([{ path }]) => group === '' || path.startsWith(`${group} `));
  let text = `NAME\n      step${group ? ` ${group}` : ''} -- plumbing for distributed systems\n\n`;
  text += `USAGE\n      step ${group || '<command>'} <subcommand> [arguments]\n\nCOMMANDS\n`;
  for (const [{ path, summary }] of verbs) text += `      ${path.padEnd(26)}${summary}\n`;
  return `${text}\nSee 'step help ${group || 'certificate create'}' for more.\n`;
}

function verbHelp({ path, usage, summary, flags }: StepVerb): string {
  let text = `NAME\n      step ${path} -- ${summary}\n\nUSAGE\n      step ${path} ${usage} [options]\n\nOPTIONS\n`;
  for (const [name, help] of Object.entries(flags)) {
    if (help.includes('not available here')) continue;
    const value = help.startsWith('=') ? '=<value>' : '';
    text += `      ${`--${name}${value}`.padEnd(28)}${help.replace(/^=/, '')}\n`;
  }
  return text;
}

const VALUES: Record<string, string[]> = {
  '--profile': ['leaf', 'intermediate-ca', 'root-ca', 'self-signed'],
  '--format': ['text', 'json', 'pem'],
  '--kty': ['EC', 'RSA', 'OKP'],
  '--curve': ['P-256', 'P-384', 'P-521'],
};

function complete(words: string[]): string[] {
  const last = words.at(-1) ?? '';
  const before = words.slice(1, -1);
  const found = VERBS.find(([{ path }]) => path.split(' ').every((word, i) => before[i] === word));
  if (found) {
    if (last.startsWith('-')) {
      const flags = Object.entries(found[0].flags).filter(([, help]) => !help.includes('not available here'));
      return flags.map(([name]) => `--${name}`).filter((each) => each.startsWith(last));
    }
    return (VALUES[words.at(-2) ?? ''] ?? []).filter((each) => each.startsWith(last));
  }
  const next = VERBS.map(([{ path }]) => path.split(' '))
    .filter((path) => before.every((word, i) => path[i] === word))
    .map((path) => path[before.length]);
  return [...new Set([...next, ...(before.length === 0 ? ['help', 'version'] : [])])].filter(
    (each): each is string => each?.startsWith(last) ?? false,
  );
}
