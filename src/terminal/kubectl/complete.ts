import type { CommandContext } from '#shell/command.ts';
import { commandEntry, type Flag, GLOBAL_FLAGS } from './flags.ts';
import { KubeconfigFile } from './kubeconfig-file.ts';
import { baseClient, descend, kubeconfigPath } from './kubectl.ts';
import { allContainers } from './pods-of.ts';
import { ResourceFinder } from './resources.ts';
import { targetOf } from './targets.ts';
import type { KubectlOptions } from './verb.ts';

type World = Pick<CommandContext, 'env' | 'cwd' | 'fs'>;

/** Verbs whose first argument is a kind and whose others are names. */
const KIND_THEN_NAMES = new Set(
  'get describe delete edit label annotate patch scale wait autoscale expose taint apply'.split(' '),
);
/** Verbs whose first argument is a pod, or a kind with a slash and a name. */
const PODS = new Set(['logs', 'exec', 'attach', 'port-forward', 'cp']);
const ROLLED = ['deployment', 'daemonset', 'statefulset'];
/** What a flag's value may be, where that is a short list. */
const VALUES: Record<string, string[]> = {
  cascade: ['background', 'foreground', 'orphan'],
  'dry-run': ['client', 'none', 'server'],
  output: ['custom-columns=', 'go-template=', 'json', 'jsonpath=', 'kyaml', 'name', 'wide', 'yaml'],
  type: ['json', 'merge', 'strategic'],
};

/** Candidates for the last of `words`; the first is `kubectl`. A cluster that does not answer gives none. */
export async function complete(options: KubectlOptions, words: string[], world: World): Promise<string[]> {
  const last = words.at(-1) ?? '';
  const before = words.slice(1, -1);
  if (before.includes('--')) return [];
  try {
    const found = await candidates(await aimed(options, before, world), before, last, world);
    return [...new Set(found)].filter((each) => each.startsWith(last)).sort();
  } catch {
    return [];
  }
}

/** With the client of the cluster that the words before mean. */
async function aimed(options: KubectlOptions, before: string[], world: World): Promise<KubectlOptions> {
  const wish: Record<string, string> = {};
  for (const [i, word] of before.entries()) {
    const [, name, value] = /^--(context|cluster|server)(?:=(.*))?$/.exec(word) ?? [];
    if (name) wish[name] = value ?? before[i + 1] ?? '';
  }
  const config = new KubeconfigFile(world.fs, kubeconfigPath(options, world, ''));
  return { ...options, client: await baseClient(options, config, wish) };
}

async function candidates(options: KubectlOptions, before: string[], last: string, world: World): Promise<string[]> {
  const { path, rest } = descend(before);
  const entry = commandEntry(path)!;
  const flags = [...entry.flags, ...GLOBAL_FLAGS, { name: 'help', short: 'h', type: 'bool', default: '' } as Flag];
  const { args, namespace, pending } = read(rest, flags);
  const scope = new Scope(options, world, namespace);
  if (pending) return flagValues(scope, pending, args);
  if (last.startsWith('--') && last.includes('=')) {
    const flag = flags.find((each) => last.startsWith(`--${each.name}=`));
    const values = flag ? await flagValues(scope, flag, args) : [];
    return values.map((value) => `--${flag!.name}=${value}`);
  }
  if (last.startsWith('-')) return flags.map((flag) => `--${flag.name}${flag.type === 'bool' ? '' : '='}`);
  if (entry.verbs.length > 0) return entry.verbs;
  return argumentsOf(scope, path, args, last);
}

/** Splits words into arguments, the namespace, and the flag that still waits for its value. */
function read(words: string[], flags: Flag[]): { args: string[]; namespace?: string; pending?: Flag } {
  const args: string[] = [];
  let namespace: string | undefined;
  let pending: Flag | undefined;
  for (const word of words) {
    if (pending) {
      if (pending.name === 'namespace') namespace = word;
      pending = undefined;
    } else if (word.startsWith('-')) {
      const [name, value] = word.split('=', 2);
      const flag = flags.find((each) => name === `--${each.name}` || (each.short && name === `-${each.short}`));
      if (!flag || flag.type === 'bool') continue;
      if (value === undefined) pending = flag;
      else if (flag.name === 'namespace') namespace = value;
    } else args.push(word);
  }
  return { args, ...(namespace ? { namespace } : {}), ...(pending ? { pending } : {}) };
}

async function argumentsOf(scope: Scope, path: string[], args: string[], last: string): Promise<string[]> {
  const verb = path[0]!;
  if (verb === 'config' && /context$/.test(path[1] ?? '')) return scope.contexts();
  if (PODS.has(verb)) {
    if (args.length > 0) return [];
    if (last.includes('/')) return scope.pairs(last.split('/')[0]!);
    return [...(await scope.names('pods')), 'deployment/', 'service/', 'statefulset/'];
  }
  if (verb === 'cordon' || verb === 'uncordon' || verb === 'drain') return scope.names('nodes');
  if (verb === 'top') return args.length > 0 ? [] : scope.names(path[1] === 'node' ? 'nodes' : 'pods');
  if (verb === 'explain') return scope.kinds();
  if (verb === 'rollout' || verb === 'set' || KIND_THEN_NAMES.has(verb)) {
    if (last.includes('/')) return scope.pairs(last.split('/')[0]!);
    if (args.length === 0) return verb === 'rollout' ? ROLLED : scope.kinds(last);
    if (args[0]!.includes('/')) return [];
    return scope.names(args[0]!);
  }
  return [];
}

async function flagValues(scope: Scope, flag: Flag, args: string[]): Promise<string[]> {
  if (flag.name === 'namespace') return scope.names('namespaces');
  if (flag.name === 'context') return scope.contexts();
  if (flag.name === 'container') return args[0] ? scope.containers(args[0]) : [];
  if (flag.name === 'filename' || flag.name === 'kustomize') return [];
  return VALUES[flag.name] ?? [];
}

/** What the cluster and the kubeconfig offer. */
class Scope {
  readonly #options: KubectlOptions;
  readonly #world: World;
  readonly #namespace: string | undefined;
  readonly #finder: ResourceFinder;

  constructor(options: KubectlOptions, world: World, namespace: string | undefined) {
    this.#options = options;
    this.#world = world;
    this.#namespace = namespace;
    this.#finder = new ResourceFinder(options.client);
  }

  get #config(): KubeconfigFile {
    return new KubeconfigFile(this.#world.fs, kubeconfigPath(this.#options, this.#world, ''));
  }

  async contexts(): Promise<string[]> {
    return (await this.#config.read()).contexts.map((each) => each.name);
  }

  /** Names of kinds; after a comma, kinds behind what is already there. */
  async kinds(last = ''): Promise<string[]> {
    const head = last.slice(0, last.lastIndexOf(',') + 1);
    const listed = (await this.#finder.preferred()).filter((each) => each.verbs.includes('list'));
    const names = listed.map((each) =>
      listed.find((other) => other.resource === each.resource) === each
        ? each.resource
        : `${each.resource}.${each.group}`,
    );
    return names.map((name) => `${head}${name}`);
  }

  async names(kind: string): Promise<string[]> {
    const out: string[] = [];
    for (const word of kind.split(',')) {
      const resource = await this.#finder.tryFind(word);
      if (!resource) continue;
      const list = await this.#options.client.list(targetOf(resource, await this.#inNamespace()));
      out.push(...list.items.map((each) => each.metadata.name!));
    }
    return out;
  }

  async pairs(kind: string): Promise<string[]> {
    return (await this.names(kind)).map((name) => `${kind}/${name}`);
  }

  async containers(pod: string): Promise<string[]> {
    const target = { group: '', version: 'v1', resource: 'pods', namespace: await this.#inNamespace() };
    const object = await this.#options.client.get(target, pod.replace(/^pods?\//, ''));
    return allContainers(object);
  }

  async #inNamespace(): Promise<string> {
    return this.#namespace ?? (await this.#config.namespace()) ?? 'default';
  }
}
