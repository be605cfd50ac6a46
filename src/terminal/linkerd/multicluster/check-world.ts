import { messageOf } from '#base/errors.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { clientFromKubeconfig } from '#kube/client/kubeconfig.ts';
import { type Category, Skip } from '#mesh/check/runner.ts';
import type { World } from '#mesh/check/world.ts';
import { SECRETS } from '#mesh/multicluster/labels.ts';
import type { LinkSpec } from '#mesh/multicluster/mirror/link.ts';
import type { Invocation } from '../verb.ts';

export type LinkChecks = Category<LinkWorld>['checks'];

export interface Link extends KubeObject {
  spec: LinkSpec;
}

/** What the extension's checks look at: the links, and the clusters behind them. */
export class LinkWorld {
  readonly base: World;
  readonly invocation: Invocation;
  /** Filled by the check that reads them. */
  links: Link[] = [];

  constructor(base: World, invocation: Invocation) {
    this.base = base;
    this.invocation = invocation;
  }

  get client(): KubeClient {
    return this.base.client;
  }

  /** Speaks to the cluster of a link with the link's credentials. Throws a line that says what is wrong with them. */
  async remote(link: Link): Promise<KubeClient> {
    const { namespace = '' } = link.metadata;
    const name = link.spec.clusterCredentialsSecret ?? '';
    let secret: KubeObject;
    try {
      secret = await this.client.get({ ...SECRETS, namespace }, name);
    } catch (error) {
      throw new Error(`* secret: [${namespace}/${name}]: ${messageOf(error)}`);
    }
    const kubeconfig = secret['data']?.kubeconfig;
    if (kubeconfig === undefined) {
      throw new Error(
        `* secret: [${namespace}/${name}]: could not parse config secret: secret should contain target cluster name as annotation mirror.linkerd.io/cluster-name`,
      );
    }
    try {
      const { dial, clock } = this.invocation;
      const network = dial && { dial, now: () => clock.now() };
      return clientFromKubeconfig(Buffer.from(kubeconfig, 'base64').toString(), undefined, network);
    } catch (error) {
      throw new Error(
        `* secret: [${namespace}/${name}] cluster: [${link.spec.targetClusterName}]: unable to parse api config: ${messageOf(error)}`,
      );
    }
  }
}

/** The names of what was found; nothing to say where there is none. */
export function bulleted(names: string[], otherwise = 'no links'): string {
  if (names.length === 0) throw new Skip(otherwise);
  return names.map((name) => `\t* ${name}`).join('\n');
}

/** Throws the failures, each on its line, as deep as upstream writes them. */
export function failAll(failures: string[], depth: number): void {
  if (failures.length > 0) throw new Error(failures.map((each) => `${'    '.repeat(depth)}${each}`).join('\n'));
}

export const isMissing = (error: unknown): boolean => error instanceof StatusError && error.code === 404;
