import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { CommandContext } from '#shell/command.ts';
import type { Meant } from '../cluster-of.ts';
import { type Flag, flagUsages, GLOBAL_FLAGS, type Parsed } from './flags.ts';

/** What a verb works with. */
export interface Invocation {
  client: KubeClient;
  clock: Clock;
  context: CommandContext;
  args: string[];
  flags: Parsed;
  /** `--linkerd-namespace`, `$LINKERD_NAMESPACE` or `linkerd`. */
  controlPlane: string;
  /** `--namespace` where the verb has it; else the namespace of the kubeconfig context. */
  namespace: string;
  /** What the kubeconfig says of the cluster that is meant; undefined where there is no kubeconfig. */
  meant: Meant | undefined;
  /** Connections to addresses of the cluster's network, where that is one of its own. */
  dial: ((host: string, port: number) => Promise<Duplex>) | undefined;
  out(text: string): Promise<void>;
  err(text: string): Promise<void>;
}

/** Ends a verb with a line on stderr; usage is not shown. */
export class Failure extends Error {
  readonly exitCode: number;
  readonly newline: boolean;
  constructor(message: string, { exitCode = 1, newline = true }: { exitCode?: number; newline?: boolean } = {}) {
    super(message);
    this.exitCode = exitCode;
    this.newline = newline;
  }
}

/** Nobody reads any more what is written. */
export const isClosedPipe = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 'EPIPE';

/** A subcommand, or a group of them. */
export interface Verb {
  name: string;
  aliases?: string[];
  /** One line of the parent's list. */
  summary: string;
  /** What `--help` says above the usage line; absent: the summary. */
  long?: string;
  usage?: string;
  examples?: string;
  flags?: Flag[];
  verbs?: Verb[];
  /** How many arguments it takes; absent: any number. */
  takes?: { least: number; most: number };
  /** Left out of the parent's list. */
  hidden?: boolean;
  /** In place of the flags that all verbs have, where a group words its own. */
  globals?: Flag[];
  run?(invocation: Invocation): Promise<number>;
  /** Candidates for the next argument. */
  complete?(options: { client: KubeClient; args: string[]; namespace: string }): Promise<string[]>;
}

const HELP = (name: string): Flag => ({ name: 'help', short: 'h', usage: `help for ${name}` });

export const flagsOf = (verb: Verb): Flag[] => [...(verb.flags ?? []), HELP(verb.name)];
const globalsOf = (verb: Verb): Flag[] => verb.globals ?? GLOBAL_FLAGS;
const shownVerbs = (verb: Verb): Verb[] => (verb.verbs ?? []).filter(({ hidden }) => !hidden);

/** The part of `--help` from `Usage:` on, which is also printed after a usage error. */
export function usageText(path: string[], verb: Verb): string {
  const name = path.join(' ');
  let text = 'Usage:\n';
  if (verb.run) text += `  ${name}${verb.usage ? ` ${verb.usage}` : ' [flags]'}\n`;
  if (verb.verbs) text += `  ${name} [command]\n`;
  if (verb.aliases) text += `\nAliases:\n  ${[verb.name, ...verb.aliases].join(', ')}\n`;
  if (verb.examples) text += `\nExamples:\n${verb.examples}\n`;
  if (verb.verbs) {
    const width = Math.max(11, ...shownVerbs(verb).map((each) => each.name.length));
    const rows = shownVerbs(verb).sort((a, b) => (a.name < b.name ? -1 : 1));
    text += `\nAvailable Commands:\n${rows.map((each) => `  ${each.name.padEnd(width)} ${each.summary}\n`).join('')}`;
  }
  if (path.length === 1) text += `\nFlags:\n${flagUsages([...GLOBAL_FLAGS, HELP(verb.name)])}`;
  else if (verb.verbs && verb.globals) {
    // A group that words these flags anew has them among its own.
    const inherited = verb.globals.filter(({ name }) => name === 'cni-namespace');
    const own = verb.globals.filter((flag) => !inherited.includes(flag));
    text += `\nFlags:\n${flagUsages([...own, ...flagsOf(verb)])}`;
    text += `\nGlobal Flags:\n${flagUsages(inherited)}`;
  } else {
    text += `\nFlags:\n${flagUsages(flagsOf(verb))}`;
    text += `\nGlobal Flags:\n${flagUsages(globalsOf(verb))}`;
  }
  if (verb.verbs) text += `\nUse "${name} [command] --help" for more information about a command.\n`;
  return text;
}

export const helpText = (path: string[], verb: Verb): string =>
  `${verb.long ?? verb.summary}\n\n${usageText(path, verb)}`;

/** Reads a Go duration (`1h30m`, `5m0s`, `90s`, `1.5h`); milliseconds. */
export function goDuration(text: string): number {
  const units: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  if (text === '0') return 0;
  if (text.startsWith('-')) return -goDuration(text.slice(1));
  if (!/^([0-9.]+(ns|us|µs|ms|s|m|h))+$/.test(text))
    throw new Failure(`time: invalid duration ${JSON.stringify(text)}`);
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(ns|us|µs|ms|s|m|h)/g))
    total += Number(amount) * units[unit!]!;
  return total;
}

/** A duration as Go prints it: `24h0m0s`. */
export function goDurationText(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 0) return `-${goDurationText(-ms)}`;
  if (ms < 1000) return `${ms}ms`;
  const seconds = ms / 1000;
  const h = Math.floor(seconds / 3600);
  const m = Math.floor((seconds % 3600) / 60);
  const s = Number((seconds % 60).toFixed(3));
  return h > 0 ? `${h}h${m}m${s}s` : m > 0 ? `${m}m${s}s` : `${s}s`;
}
