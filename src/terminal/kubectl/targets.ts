import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { ApiResource, Target } from '#kube/client/client.ts';
import { joinApiVersion } from '#kube/client/paths.ts';
import { CliError, ManyErrors, whileListing } from './errors.ts';
import { loadAll } from './manifests.ts';
import { readWanted } from './resources.ts';
import type { Invocation } from './verb.ts';

/** A live object that a command works on. */
export interface Item {
  object: KubeObject;
  resource: ApiResource;
  namespace?: string;
}

export const targetOf = (resource: ApiResource, namespace: string | undefined): Target => ({
  group: resource.group,
  version: resource.version,
  resource: resource.resource,
  ...(resource.namespaced && namespace !== undefined ? { namespace } : {}),
});

export const itemTarget = (item: Pick<Item, 'resource' | 'namespace'>): Target =>
  targetOf(item.resource, item.namespace);

export const withKind = (object: KubeObject, resource: ApiResource): KubeObject =>
  object.kind && object.apiVersion
    ? object
    : { ...object, apiVersion: joinApiVersion(resource.group, resource.version), kind: resource.kind };

export interface FetchOptions {
  args?: string[];
  selector?: string;
  fieldSelector?: string;
  /** A type alone means all of it. */
  allowAll?: boolean;
  allNamespaces?: boolean;
  /** Said when neither files nor arguments are given. */
  nothing?: string;
}

export const hasFiles = (k: Invocation): boolean => k.flags.has('filename') || k.flags.has('kustomize');

export const NOTHING_GIVEN =
  "You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'";

/**
 * The live objects that files or arguments name. Failures are collected: what could be fetched is returned with them,
 * because kubectl goes on with the rest (`ContinueOnError`).
 */
export async function fetchItems(
  k: Invocation,
  options: FetchOptions = {},
): Promise<{ items: Item[]; errors: unknown[] }> {
  const items: Item[] = [];
  const errors: unknown[] = [];
  const attempt = async (run: () => Promise<Item[]>) => {
    try {
      items.push(...(await run()));
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      errors.push(error);
    }
  };
  if (hasFiles(k)) {
    const { manifests, errors: unreadable } = await loadAll(k);
    errors.push(...unreadable);
    for (const { object, resource, namespace } of manifests) {
      await attempt(async () => [{ ...(await fetchOne(k, resource, namespace, object.metadata.name ?? '')) }]);
    }
    return { items, errors };
  }
  const args = options.args ?? k.args;
  if (args.length === 0) throw new CliError(options.nothing ?? NOTHING_GIVEN);
  const wanted = await readWanted(k.finder, args, {
    ...(options.allowAll ? { allowAll: true } : {}),
    ...(options.selector ? { selector: options.selector } : {}),
  });
  const namespace = options.allNamespaces ? undefined : k.namespace;
  for (const { resource, name } of wanted) {
    if (name !== undefined && options.allNamespaces && resource.namespaced) {
      throw new CliError('a resource cannot be retrieved by name across all namespaces');
    }
    await attempt(async () =>
      name === undefined
        ? fetchAll(k, resource, namespace, options)
        : [await fetchOne(k, resource, resource.namespaced ? k.namespace : undefined, name)],
    );
  }
  return { items, errors };
}

async function fetchOne(
  k: Invocation,
  resource: ApiResource,
  namespace: string | undefined,
  name: string,
): Promise<Item> {
  const object = withKind(await k.client.get(targetOf(resource, namespace), name), resource);
  return { object, resource, ...(namespace === undefined ? {} : { namespace }) };
}

async function fetchAll(
  k: Invocation,
  resource: ApiResource,
  namespace: string | undefined,
  options: FetchOptions,
): Promise<Item[]> {
  const list = await k.client
    .list(targetOf(resource, namespace), {
      ...(options.selector ? { labelSelector: options.selector } : {}),
      ...(options.fieldSelector ? { fieldSelector: options.fieldSelector } : {}),
    })
    .catch((error: unknown) => {
      throw whileListing(resource, options, error);
    });
  return list.items.map((object) => ({
    object: withKind(object, resource),
    resource,
    ...(object.metadata.namespace ? { namespace: object.metadata.namespace } : {}),
  }));
}

/** Runs something for each item, going on after failures, and throws them all at the end. */
export async function forEachItem<T>(items: T[], errors: unknown[], run: (item: T) => Promise<void>): Promise<void> {
  for (const item of items) {
    try {
      await run(item);
    } catch (error) {
      if (error instanceof DOMException) throw error;
      errors.push(error);
    }
  }
  throwAll(errors);
}

export function throwAll(errors: unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new ManyErrors(errors);
}
