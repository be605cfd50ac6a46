import discovery from '#kube/api/data/discovery.json' with { type: 'json' };
import { builtInSchema, type Schema } from '#kube/api/schemas.ts';
import type { KubeObject } from '#kube/api/types.ts';

export interface SubresourceInfo {
  name: string;
  kind: string;
  verbs: string[];
  group?: string;
  version?: string;
}

/** A served resource in one version. */
export interface ResourceKind {
  group: string;
  version: string;
  resource: string;
  kind: string;
  singular: string;
  shortNames: string[];
  categories: string[];
  namespaced: boolean;
  verbs: string[];
  subresources: SubresourceInfo[];
  hash?: string;
  /** Where objects of all versions are kept. */
  storage: string;
  schema(): Schema | undefined;
  /** Set for custom resources: the definition's version. */
  custom?: { definition: KubeObject; version: CrdVersion };
}

export interface CrdVersion {
  name: string;
  served: boolean;
  storage: boolean;
  schema?: { openAPIV3Schema?: Schema };
  subresources?: { status?: object; scale?: { specReplicasPath: string; statusReplicasPath: string } };
  additionalPrinterColumns?: {
    name: string;
    type: string;
    jsonPath: string;
    priority?: number;
    format?: string;
    description?: string;
  }[];
  deprecated?: boolean;
  deprecationWarning?: string;
}

export interface GroupInfo {
  name: string;
  versions: string[];
  preferred: string;
}

interface DataResource {
  group: string;
  version: string;
  resource: string;
  kind: string;
  singular: string;
  namespaced: boolean;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  hash?: string;
  subresources?: SubresourceInfo[];
}

export const SERVER_VERSION = discovery.version;
export const apiVersionOf = (group: string, version: string): string => (group ? `${group}/${version}` : version);

/** What this server serves: the built-in kinds of Kubernetes, and those that CustomResourceDefinitions add. */
export class Kinds {
  readonly #kinds = new Map<string, ResourceKind>();
  readonly #builtInGroups: GroupInfo[] = discovery.groups;
  readonly #customGroups = new Map<string, GroupInfo>();
  /** Grows with every change, so that discovery documents can be cached. */
  revision = 0;

  constructor() {
    for (const data of discovery.resources as DataResource[]) {
      const { group, version, kind } = data;
      this.#kinds.set(`${group}/${version}/${data.resource}`, {
        ...data,
        shortNames: data.shortNames ?? [],
        categories: data.categories ?? [],
        subresources: data.subresources ?? [],
        // Events of both groups are the same objects, and so are the versions of an autoscaler.
        storage: `${group === 'events.k8s.io' ? '' : group}/${data.resource}`,
        schema: () => builtInSchema(group, version, kind),
      });
    }
  }

  get(group: string, version: string, resource: string): ResourceKind | undefined {
    return this.#kinds.get(`${group}/${version}/${resource}`);
  }

  all(): ResourceKind[] {
    return [...this.#kinds.values()];
  }

  groups(): GroupInfo[] {
    return [...this.#builtInGroups, ...[...this.#customGroups.values()].sort((a, b) => a.name.localeCompare(b.name))];
  }

  isBuiltIn(group: string): boolean {
    return group === '' || this.#builtInGroups.some(({ name }) => name === group);
  }

  hasGroupVersion(group: string, version: string): boolean {
    return group === ''
      ? version === 'v1'
      : this.groups().some((info) => info.name === group && info.versions.includes(version));
  }

  /** Serves, or serves anew, what a definition defines. */
  define(definition: KubeObject): void {
    this.undefine(definition);
    const { group, names, scope, versions } = definition.spec as {
      group: string;
      scope: string;
      names: { plural: string; kind: string; singular?: string; shortNames?: string[]; categories?: string[] };
      versions: CrdVersion[];
    };
    for (const version of versions.filter((candidate) => candidate.served)) {
      const subresources: SubresourceInfo[] = [];
      if (version.subresources?.status)
        subresources.push({ name: 'status', kind: names.kind, verbs: ['get', 'patch', 'update'] });
      if (version.subresources?.scale) {
        subresources.push({
          name: 'scale',
          kind: 'Scale',
          group: 'autoscaling',
          version: 'v1',
          verbs: ['get', 'patch', 'update'],
        });
      }
      this.#kinds.set(`${group}/${version.name}/${names.plural}`, {
        group,
        version: version.name,
        resource: names.plural,
        kind: names.kind,
        singular: names.singular ?? names.kind.toLowerCase(),
        shortNames: names.shortNames ?? [],
        categories: names.categories ?? [],
        namespaced: scope === 'Namespaced',
        verbs: ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'],
        subresources,
        storage: `${group}/${names.plural}`,
        schema: () => version.schema?.openAPIV3Schema,
        custom: { definition, version },
      });
    }
    this.#regroup(group);
  }

  undefine(definition: KubeObject): void {
    for (const [key, kind] of this.#kinds) {
      if (kind.custom && kind.custom.definition.metadata.name === definition.metadata.name) this.#kinds.delete(key);
    }
    this.#regroup(definition.spec.group);
  }

  #regroup(group: string): void {
    this.revision++;
    const versions = [
      ...new Set(
        this.all()
          .filter((kind) => kind.custom && kind.group === group)
          .map((kind) => kind.version),
      ),
    ].sort(byPriority);
    if (versions.length === 0) this.#customGroups.delete(group);
    else this.#customGroups.set(group, { name: group, versions, preferred: versions[0]! });
  }
}

/** Stable before beta before alpha, higher before lower. Source: apimachinery/pkg/version.CompareKubeAwareVersionStrings. */
function byPriority(a: string, b: string): number {
  const rank = (version: string) => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (!match) return [0, 0, 0];
    return [match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1, Number(match[1]), Number(match[3] ?? 0)];
  };
  const [left, right] = [rank(a), rank(b)];
  for (let i = 0; i < 3; i++) if (left[i] !== right[i]) return right[i]! - left[i]!;
  return a.localeCompare(b);
}
