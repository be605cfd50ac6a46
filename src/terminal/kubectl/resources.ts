import type { ApiResource, KubeClient } from '#kube/client/client.ts';
import { splitApiVersion } from '#kube/client/paths.ts';
import { CliError } from './errors.ts';

/** Finds what a word of the command line means among the resources that the server has. */
export class ResourceFinder {
  readonly #client: KubeClient;
  constructor(client: KubeClient) {
    this.#client = client;
  }

  all(): Promise<ApiResource[]> {
    return this.#client.discover();
  }

  /** `deploy`, `Deployment`, `deployments.apps`, `deployments.v1.apps`. Refuses when the server has no such resource. */
  async find(word: string): Promise<ApiResource> {
    const found = await this.tryFind(word);
    if (!found) throw new CliError(`the server doesn't have a resource type ${JSON.stringify(word)}`);
    return found;
  }

  async tryFind(word: string): Promise<ApiResource | undefined> {
    return match(await this.all(), word) ?? match(await this.#client.discover({ fresh: true }), word);
  }

  async ofKind(apiVersion: string, kind: string): Promise<ApiResource | undefined> {
    const { group, version } = splitApiVersion(apiVersion);
    const find = (all: ApiResource[]) =>
      all.find((each) => each.group === group && each.version === version && each.kind === kind);
    return find(await this.all()) ?? find(await this.#client.discover({ fresh: true }));
  }

  /** One resource, or those of a category such as `all`, in the server's order. */
  async expand(word: string): Promise<ApiResource[]> {
    const all = await this.all();
    const members = all.filter((each) => each.categories.includes(word) && isPreferred(all, each));
    if (members.length > 0 && !all.some((each) => each.resource === word)) return members;
    return [await this.find(word)];
  }

  /** Every resource once, in its group's preferred version. */
  async preferred(): Promise<ApiResource[]> {
    const all = await this.all();
    return all.filter((each) => isPreferred(all, each));
  }
}

const isPreferred = (all: ApiResource[], resource: ApiResource): boolean =>
  all.find((each) => each.group === resource.group && each.resource === resource.resource) === resource;

function match(all: ApiResource[], word: string): ApiResource | undefined {
  const wanted = word.toLowerCase();
  const [name = '', ...rest] = wanted.split('.');
  if (wanted === '') return undefined;
  if (rest.length > 0) {
    const named = all.filter((each) => isCalled(each, name) || each.shortNames.includes(word.split('.')[0]!));
    const [version, ...group] = rest;
    return (
      named.find((each) => each.version === version && each.group === group.join('.')) ??
      named.find((each) => each.group === rest.join('.')) ??
      named.find((each) => each.group.startsWith(rest.join('.')))
    );
  }
  return (
    all.find((each) => each.resource === wanted) ??
    all.find((each) => each.shortNames.includes(word)) ??
    all.find((each) => isCalled(each, wanted))
  );
}

const isCalled = (each: ApiResource, name: string): boolean =>
  each.resource === name || each.singular === name || each.kind.toLowerCase() === name;

/** What arguments name: one object, or (without a name) all of a resource. */
export interface Wanted {
  resource: ApiResource;
  name?: string;
}

export interface WantedRules {
  /** A type alone means all of it. */
  allowAll?: boolean;
  selector?: string;
}

/** Reads `TYPE[,TYPE] [NAME ...]` and `TYPE/NAME ...` (cli-runtime/pkg/resource/builder.go). */
export async function readWanted(finder: ResourceFinder, args: string[], rules: WantedRules): Promise<Wanted[]> {
  if (args.some((arg) => arg.includes('/'))) return readPairs(finder, args, rules);
  const [types = '', ...names] = args;
  if (names.length > 0 && rules.selector) throw new CliError('name cannot be provided when a selector is specified');
  const words = types.split(',');
  if (names.includes('')) throw new CliError('resource name may not be empty');
  const resources = (await Promise.all(words.map((word) => finder.expand(word)))).flat();
  if (names.length === 0) {
    if (!rules.allowAll && !rules.selector) throw new CliError('resource(s) were provided, but no name was specified');
    return resources.map((resource) => ({ resource }));
  }
  return resources.flatMap((resource) => names.map((name) => ({ resource, name })));
}

async function readPairs(finder: ResourceFinder, args: string[], rules: WantedRules): Promise<Wanted[]> {
  if (rules.selector) throw new CliError('name cannot be provided when a selector is specified');
  const out: Wanted[] = [];
  for (const arg of args) {
    const parts = arg.split('/');
    if (parts.length === 1) {
      throw new CliError(
        "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
      );
    }
    if (parts.length > 2) throw new CliError('arguments in resource/name form may not have more than one slash');
    const [type = '', name = ''] = parts;
    if (!type || !name || type.includes(',')) {
      throw new CliError('arguments in resource/name form must have a single resource and name');
    }
    out.push({ resource: await finder.find(type), name });
  }
  return out;
}
