import { isAbort } from '#base/errors.ts';
import type { KubeClient, Transport } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import type { Command, CommandContext } from '#shell/command.ts';
import { clusterMeant, type Wish } from '../cluster-of.ts';
import { parseGoDuration } from './age.ts';
import { CliError, errorText } from './errors.ts';
import { commandEntry, Flags, GLOBAL_FLAGS } from './flags.ts';
import { helpText } from './help.ts';
import { KubeconfigFile } from './kubeconfig-file.ts';
import { ResourceFinder } from './resources.ts';
import { similarTo } from './suggest.ts';
import type { Invocation, KubectlOptions } from './verb.ts';
import { aliasOf, loadVerb } from './verbs.ts';

/** `kubectl` for the lab's terminal: what courses use of version 1.35, printed as the official one prints it. */
export function createKubectl(options: KubectlOptions): Command {
  return {
    name: 'kubectl',
    summary: 'control the cluster',
    execute: (context) => execute(options, context),
    complete: async (words, context) => {
      const { complete } = await import('./complete.ts');
      return complete(options, words, context);
    },
  };
}

/** Splits words into the verb that they name and all the others. */
export function descend(words: string[]): { path: string[]; rest: string[] } {
  const path: string[] = [];
  const rest: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === '--') return { path, rest: [...rest, ...words.slice(i)] };
    if (word.startsWith('-')) {
      rest.push(word);
      if (takesValue(word) && i + 1 < words.length) rest.push(words[++i]!);
      continue;
    }
    const next = [...path, aliasOf(path, word)];
    if (!commandEntry(next)) return { path, rest: [...rest, ...words.slice(i)] };
    path.push(next.at(-1)!);
    if (commandEntry(path)!.verbs.length === 0) return { path, rest: [...rest, ...words.slice(i + 1)] };
  }
  return { path, rest };
}

function takesValue(word: string): boolean {
  const flag = GLOBAL_FLAGS.find((each) => word === `--${each.name}` || (each.short && word === `-${each.short}`));
  return flag !== undefined && flag.type !== 'bool';
}

async function execute(options: KubectlOptions, context: CommandContext): Promise<number> {
  try {
    if (context.args[0] === 'help') return await help(context);
    const { path, rest } = descend(context.args);
    const entry = commandEntry(path)!;
    const run = loadVerb(path);
    if (path.length === 0 && rest.some((word) => !word.startsWith('-'))) {
      const word = rest.find((each) => !each.startsWith('-'))!;
      throw new CliError(`unknown command ${JSON.stringify(word)} for "kubectl"${similarTo(word, entry.verbs)}`);
    }
    const flags = new Flags(path, entry.flags);
    flags.parse(rest);
    for (const warning of flags.warnings) await context.stderr.write(`${warning}\n`);
    if (flags.bool('help')) {
      await context.stdout.write(helpText(path));
      return 0;
    }
    if (!run) {
      if (flags.args.length > 0 && !QUIET_GROUPS.has(path[0]!)) {
        throw new CliError(
          `unknown command ${JSON.stringify(flags.args[0])}\nSee 'kubectl ${path.join(' ')} -h' for help and examples`,
        );
      }
      return showGroup(context, path);
    }
    return (await (await run())(await invocation(options, context, path, flags))) ?? 0;
  } catch (error) {
    if (context.signal.aborted && isAbort(error)) return 130;
    // Whoever read the output has gone: the end of a program in a pipe, without a word.
    if ((error as { code?: string }).code === 'EPIPE') return 141;
    const code = error instanceof CliError ? error.exitCode : 1;
    // Exit code 1 of diff is a difference.
    const exitCode =
      context.args.includes('diff') && descend(context.args).path[0] === 'diff' ? Math.max(code, 2) : code;
    const text = errorText(error);
    if (text !== '') await context.stderr.write(`${text}\n`);
    return exitCode;
  }
}

/** `kubectl help VERB…`. */
async function help(context: CommandContext): Promise<number> {
  const words = context.args.slice(1);
  const { path, rest } = descend(words);
  const isUnknown = path.length === 0 && rest.length > 0;
  const topic = `Unknown help topic [${words.map((word) => `\`${word}\``).join(' ')}]\n\n\n`;
  await (isUnknown ? context.stderr : context.stdout).write(`${isUnknown ? topic : ''}${helpText(path)}`);
  return 0;
}

/** Groups of verbs that show their help whatever follows. */
const QUIET_GROUPS = new Set(['alpha', 'certificate']);

/** The help of a group of verbs, where kubectl writes it and with the code it ends with then. */
async function showGroup(context: CommandContext, path: string[]): Promise<number> {
  const isFine = path.length === 0 || QUIET_GROUPS.has(path[0]!);
  const stream = isFine || path[0] === 'rollout' ? context.stdout : context.stderr;
  await stream.write(helpText(path));
  return isFine ? 0 : 1;
}

/** Verbs that a broken kubeconfig does not stop. */
const WITHOUT_CLUSTER = new Set(['completion', 'config', 'kustomize', 'options', 'plugin', 'version']);

/** The world of one run: the client with its headers, the kubeconfig, the namespace. */
async function invocation(
  options: KubectlOptions,
  context: CommandContext,
  path: string[],
  flags: Flags,
): Promise<Invocation> {
  const { fs, cwd } = context;
  const config = new KubeconfigFile(fs, kubeconfigPath(options, context, flags.get('kubeconfig')));
  const namespace = flags.get('namespace') || (await config.namespace(flags.get('context'))) || 'default';
  if (!WITHOUT_CLUSTER.has(path[0]!)) await refuseUnknownContext(config, flags);
  const base = await baseClient(options, config, {
    context: flags.get('context'),
    cluster: flags.get('cluster'),
    server: flags.get('server'),
  });
  const client = clientFor(base, flags, context);
  return {
    path,
    args: flags.args,
    flags,
    client,
    clock: options.clock,
    context,
    options,
    config,
    finder: new ResourceFinder(client),
    namespace,
    namespaceGiven: flags.get('namespace') !== '',
    out: (text) => context.stdout.write(text),
    err: (text) => context.stderr.write(text),
    readFile: async (name) => {
      const file = fs.resolvePath(cwd, name);
      if (!(await fs.exists(file))) throw new CliError(`the path ${JSON.stringify(name)} does not exist`);
      return fs.readFile(file);
    },
  };
}

/** The client of the cluster that is meant. */
export async function baseClient(options: KubectlOptions, config: KubeconfigFile, wish: Wish): Promise<KubeClient> {
  if (!options.clientAt) return options.client;
  const { server } = clusterMeant(await config.read(), wish);
  return server === undefined ? options.client : options.clientAt(server);
}

export function kubeconfigPath(
  options: Pick<KubectlOptions, 'kubeconfig'>,
  { fs, cwd, env }: Pick<CommandContext, 'fs' | 'cwd' | 'env'>,
  flag: string,
): string {
  const named = flag || env['KUBECONFIG']?.split(':').find((each) => each !== '');
  return fs.resolvePath(cwd, named || options.kubeconfig || `${env['HOME'] ?? '/root'}/.kube/config`);
}

async function refuseUnknownContext(config: KubeconfigFile, flags: Flags): Promise<void> {
  const context = flags.get('context') || (await config.read())['current-context'];
  if (!context) return;
  if (!(await config.read()).contexts.some((each) => each.name === context)) {
    throw new CliError(`Error in configuration: context was not found for specified context: ${context}`, {
      plain: true,
    });
  }
}

const withLimit = (signal: AbortSignal | undefined, ms: number): AbortSignal =>
  AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(ms)]);

/** --request-timeout in ms; 0 is no limit. */
function requestTimeout(flags: Flags): number {
  const text = flags.get('request-timeout');
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : parseGoDuration(text);
  if (ms === undefined) {
    throw new CliError(
      'Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)',
    );
  }
  return ms;
}

/** Impersonation goes along with every request; the server's warnings are printed as they come, each once. */
function clientFor(base: KubeClient, flags: Flags, context: CommandContext): KubeClient {
  const extra: Record<string, string> = { 'user-agent': 'kubectl/v1.35.2' };
  if (flags.get('as')) extra['impersonate-user'] = flags.get('as');
  if (flags.has('as-group')) extra['impersonate-group'] = flags.all('as-group').join(', ');
  if (flags.get('as-uid')) extra['impersonate-uid'] = flags.get('as-uid');
  if (flags.get('token')) extra['authorization'] = `Bearer ${flags.get('token')}`;
  const limitMs = requestTimeout(flags);
  const shown = new Set<string>();
  const { transport } = base;
  const withHeaders: Transport = {
    request: async (request) => {
      const response = await transport.request({
        ...request,
        headers: { ...extra, ...request.headers },
        ...(limitMs > 0 ? { signal: withLimit(request.signal, limitMs) } : {}),
      });
      for (const warning of response.warnings ?? []) {
        if (shown.has(warning)) continue;
        shown.add(warning);
        await context.stderr.write(`Warning: ${warning}\n`);
      }
      return response;
    },
    connect: (request, protocols) =>
      transport.connect({ ...request, headers: { ...extra, ...request.headers } }, protocols),
    close() {},
  };
  return { ...createKubeClient(withHeaders), discover: (wish) => base.discover(wish) };
}
