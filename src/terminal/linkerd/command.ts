import type { Clock } from '#base/clock.ts';
import { messageOf } from '#base/errors.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Command, CommandContext } from '#shell/command.ts';
import type { ClientAt, Meant } from '../cluster-of.ts';
import { GLOBAL_FLAGS, parseFlags, UsageError } from './flags.ts';
import { Failure, flagsOf, helpText, type Invocation, isClosedPipe, usageText, type Verb } from './verb.ts';
import { root } from './verbs.ts';

export interface LinkerdOptions {
  client: KubeClient;
  /** The cluster's clock: certificates are judged by it. */
  clock: Clock;
  /** Where there are several clusters: the one at the address that the kubeconfig's context has. */
  clientAt?: ClientAt;
  /** Opens connections to addresses of the clusters' network, which credentials of a link name. */
  dial?: Invocation['dial'];
  /** What a kubeconfig says of the cluster that is meant. Default: there is none. */
  meant?: (context: World, wish: { context?: string; kubeconfig?: string }) => Promise<Meant>;
}

type World = Pick<CommandContext, 'env' | 'cwd' | 'fs'>;

/** The cluster that the flags and the kubeconfig mean, and a client for it; asking for the client of an unknown context throws. */
async function aim(options: LinkerdOptions, world: World, wish: { context?: string; kubeconfig?: string }) {
  const meant = await options.meant?.(world, wish);
  return {
    meant,
    get client(): KubeClient {
      if (meant && !meant.known)
        throw new UsageError(
          `error configuring Kubernetes API client: context ${JSON.stringify(meant.context)} does not exist`,
        );
      return (meant?.server !== undefined && options.clientAt?.(meant.server)) || options.client;
    },
  };
}

/** `linkerd` for the lab's terminal. It sees the cluster through the client alone, as the real one does. */
export function createLinkerd(options: LinkerdOptions): Command {
  return {
    name: 'linkerd',
    summary: 'manage the Linkerd service mesh',
    execute: (context) => execute(options, context),
    complete: (words, context) => complete(options, words, context),
  };
}

/** No verb of that name: its usage would not help. */
class UnknownCommand extends UsageError {}

/** 128 and the number of SIGPIPE. */
const KILLED_BY_PIPE = 141;

async function execute(options: LinkerdOptions, context: CommandContext): Promise<number> {
  const { path, verb, rest } = await descend(context.args);
  const out = (text: string) => context.stdout.write(text);
  const err = (text: string) => context.stderr.write(text);
  const known = [...flagsOf(verb), ...(verb.globals ?? GLOBAL_FLAGS)];
  try {
    const flags = parseFlags(rest, known);
    if (flags.values.get('help') === 'true' || !verb.run) {
      if (verb === root && flags.args.length > 0) {
        throw new UnknownCommand(`unknown command "${flags.args[0]}" for "${path.join(' ')}"`);
      }
      await out(helpText(path, verb));
      return 0;
    }
    const miscounted = countProblem(path, verb, flags.args);
    if (miscounted) throw new UsageError(miscounted);
    const controlPlane = flags.values.get('linkerd-namespace') ?? context.env['LINKERD_NAMESPACE'] ?? 'linkerd';
    if (!/^[a-zA-Z0-9-]+$/.test(controlPlane)) throw new UsageError(`${controlPlane} is not a valid namespace`);
    const asked = (name: 'context' | 'kubeconfig') => {
      const value = flags.values.get(name);
      return value === undefined ? {} : { [name]: value };
    };
    const aimed = await aim(options, context, { ...asked('context'), ...asked('kubeconfig') });
    const invocation: Invocation = {
      get client() {
        return aimed.client;
      },
      meant: aimed.meant,
      dial: options.dial,
      clock: options.clock,
      context,
      args: flags.args,
      flags,
      controlPlane,
      namespace: flags.values.get('namespace') ?? aimed.meant?.namespace ?? 'default',
      out,
      err,
    };
    return await verb.run(invocation);
  } catch (error) {
    if (error instanceof Failure) {
      await err(`${error.message}${error.newline ? '\n' : ''}`);
      return error.exitCode;
    }
    if (isClosedPipe(error)) return KILLED_BY_PIPE;
    if (!(error instanceof UsageError)) context.signal.throwIfAborted();
    const usage = error instanceof UnknownCommand ? `Run 'linkerd --help' for usage.\n` : `${usageText(path, verb)}\n`;
    await err(`Error: ${messageOf(error)}\n${usage}`);
    return 1;
  }
}

/** What is said of arguments that a verb does not take; undefined when it takes them. */
function countProblem(path: string[], { takes }: Verb, args: string[]): string | undefined {
  if (!takes) return undefined;
  const { least, most } = takes;
  const { length } = args;
  if (length >= least && length <= most) return undefined;
  if (most === 0) return `unknown command ${JSON.stringify(args[0])} for ${JSON.stringify(path.join(' '))}`;
  if (least === most) return `accepts ${least} arg(s), received ${length}`;
  if (most === Number.POSITIVE_INFINITY) return `requires at least ${least} arg(s), only received ${length}`;
  return `accepts between ${least} and ${most} arg(s), received ${length}`;
}

/** Walks down to the verb that the words name; global flags may stand before it. */
async function descend(argv: string[]): Promise<{ path: string[]; verb: Verb; rest: string[] }> {
  let verb: Verb = root;
  const path = ['linkerd'];
  const rest: string[] = [];
  const words = [...argv];
  while (words.length > 0) {
    const word = words[0]!;
    if (word.startsWith('-')) {
      const flag = GLOBAL_FLAGS.find((each) => word === `--${each.name}` || word === `-${each.short}`);
      rest.push(words.shift()!);
      if (flag?.type && words.length > 0) rest.push(words.shift()!);
      else if (!flag && !word.includes('=')) break;
      continue;
    }
    const next = verb.verbs?.find((each) => each.name === word || each.aliases?.includes(word));
    if (!next) break;
    verb = next;
    path.push(next.name);
    words.shift();
  }
  return { path, verb, rest: [...rest, ...words] };
}

async function complete(options: LinkerdOptions, words: string[], context: World): Promise<string[]> {
  const last = words.at(-1) ?? '';
  const { verb, rest } = await descend(words.slice(1, -1));
  const starting = (candidates: string[]) => candidates.filter((each) => each.startsWith(last)).sort();
  if (last.startsWith('-')) return starting([...flagsOf(verb), ...GLOBAL_FLAGS].map((flag) => `--${flag.name}`));
  const previous = words.at(-2);
  const given = words.indexOf('--context');
  const aimed = await aim(options, context, given > 0 && words[given + 1] ? { context: words[given + 1]! } : {});
  if (previous === '-n' || previous === '--namespace' || previous === '-L')
    return starting(await namespaces(aimed.client));
  const args = rest.filter((word) => !word.startsWith('-'));
  if (verb.verbs && args.length === 0) return starting(verb.verbs.map((each) => each.name));
  if (!verb.complete) return [];
  const at = rest.findIndex((word) => word === '-n' || word === '--namespace');
  const namespace = (at >= 0 ? rest[at + 1] : undefined) ?? aimed.meant?.namespace ?? 'default';
  return starting(await verb.complete({ client: aimed.client, args, namespace }));
}

async function namespaces(client: KubeClient): Promise<string[]> {
  const list = await client.list({ group: '', version: 'v1', resource: 'namespaces' });
  return list.items.map((each) => each.metadata.name ?? '');
}
