import { parse } from 'yaml';
import { messageOf } from '#base/errors.ts';
import { CORE } from '#mesh/check/world.ts';
import { CLUSTER_NAME, CREATED_BY, LINK } from '#mesh/multicluster/labels.ts';
import { parseCertificates } from '#pki/certificate.ts';
import { bulleted, failAll, isMissing, type Link, type LinkChecks, type LinkWorld } from './check-world.ts';

const RBAC = { group: 'rbac.authorization.k8s.io', version: 'v1' };

export const linkChecks: LinkChecks = [
  {
    description: 'Link CRD exists',
    hint: 'l5d-multicluster-link-crd-exists',
    fatal: true,
    run: async ({ client }) => {
      try {
        await client.list(LINK);
      } catch (error) {
        const why = isMissing(error) ? 'the server could not find the requested resource' : messageOf(error);
        throw new Error(`multicluster.linkerd.io/Link CRD is missing: ${why}`);
      }
    },
  },
  {
    description: 'Link resources are valid',
    hint: 'l5d-multicluster-links-are-valid',
    fatal: true,
    run: async (world) => {
      world.links = (await world.client.list(LINK)).items as Link[];
      return bulleted(
        world.links.map(({ spec }) => spec.targetClusterName),
        'no links detected',
      );
    },
  },
  {
    description: 'Link and CLI versions match',
    hint: 'l5d-multicluster-links-version',
    warning: true,
    run: async ({ links, base }) => {
      const failures: string[] = [];
      for (const { metadata, spec } of links) {
        const [by, version] = (metadata.annotations?.[CREATED_BY] ?? '').split(' ');
        if (by !== 'linkerd/cli' || !version) {
          failures.push(`* ${spec.targetClusterName}: unable to determine version`);
        } else if (version !== base.cliVersion) {
          failures.push(
            `* ${spec.targetClusterName}: CLI version is ${base.cliVersion} but Link version is ${version}`,
          );
        }
      }
      failAll(failures, 2);
      return bulleted(links.map(({ spec }) => spec.targetClusterName));
    },
  },
  {
    description: 'remote cluster access credentials are valid',
    hint: 'l5d-smc-target-clusters-access',
    run: credentialsWork,
  },
  {
    description: 'clusters share trust anchors',
    hint: 'l5d-multicluster-clusters-share-anchors',
    run: anchorsAgree,
  },
  {
    description: 'service mirror controller has required permissions',
    hint: 'l5d-multicluster-source-rbac-correct',
    run: controllersMay,
  },
];

async function credentialsWork(world: LinkWorld): Promise<string> {
  const failures: string[] = [];
  const good: string[] = [];
  for (const link of world.links) {
    const cluster = link.spec.targetClusterName;
    try {
      const remote = await world.remote(link);
      try {
        await remote.raw('GET', '/version').catch((error: unknown) => {
          throw new Error(`* failed to connect to API for cluster: [${cluster}]: ${messageOf(error)}`);
        });
        for (const verb of ['get', 'list', 'watch']) {
          const review = (await remote.raw('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SelfSubjectAccessReview',
            spec: { resourceAttributes: { verb, version: 'v1', resource: 'services' } },
          })) as { status?: { allowed?: boolean; reason?: string } };
          if (review.status?.allowed) continue;
          const why = review.status?.reason ? `: ${review.status.reason}` : '';
          failures.push(
            `* missing service permission [${verb}] for cluster [${cluster}]: not authorized to access services${why}`,
          );
        }
        good.push(cluster);
      } finally {
        remote.transport.close();
      }
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  failAll(failures, 2);
  return bulleted(good);
}

async function anchorsAgree(world: LinkWorld): Promise<string> {
  const own = anchorsOf((await world.base.values()).identityTrustAnchorsPEM);
  const failures: string[] = [];
  for (const link of world.links) {
    const cluster = link.spec.targetClusterName;
    try {
      const remote = await world.remote(link);
      const namespace = link.spec.targetClusterLinkerdNamespace ?? 'linkerd';
      const config = await remote
        .get(CORE('configmaps', namespace), 'linkerd-config')
        .catch((error: unknown) => {
          throw new Error(`* ${cluster}: unable to fetch anchors: ${messageOf(error)}`);
        })
        .finally(() => remote.transport.close());
      const theirs = anchorsOf(parse(config['data']?.values ?? '')?.identityTrustAnchorsPEM ?? '');
      if (theirs.length === 0) failures.push(`* ${cluster}: cannot parse trust anchors`);
      else if (theirs.length !== own.length || theirs.some((each) => !own.includes(each)))
        failures.push(`* ${cluster}`);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  if (failures.length > 0) throw new Error(`Problematic clusters:\n    ${failures.join('\n    ')}`);
  return bulleted(world.links.map(({ spec }) => spec.targetClusterName));
}

const anchorsOf = (pem: string): string[] => parseCertificates(pem).map(({ fingerprint256 }) => fingerprint256);

/** What a link's controller needs, by the names of today's chart; what older links had is looked for as well. */
async function controllersMay({ links, base }: LinkWorld): Promise<string> {
  const failures: string[] = [];
  for (const { metadata, spec } of links) {
    const cluster = spec.targetClusterName;
    const namespace = metadata.namespace ?? '';
    const own = `component in (service-mirror, controller),${CLUSTER_NAME}=${cluster}`;
    const local = 'linkerd-multicluster-controller-access-local-resources';
    const old = {
      account: `linkerd-service-mirror-${cluster}`,
      cluster: `linkerd-service-mirror-access-local-resources-${cluster}`,
      role: `linkerd-service-mirror-read-remote-creds-${cluster}`,
    };
    const role = `controller-read-remote-creds-${cluster}`;
    const needed = [
      ['ServiceAccounts', CORE('serviceaccounts', namespace), own, old.account, `controller-${cluster}`],
      ['ClusterRoles', { ...RBAC, resource: 'clusterroles' }, 'component=controller', old.cluster, local],
      ['ClusterRoleBindings', { ...RBAC, resource: 'clusterrolebindings' }, own, old.cluster, `${local}-${cluster}`],
      ['Roles', { ...RBAC, resource: 'roles', namespace }, own, old.role, role],
      ['RoleBindings', { ...RBAC, resource: 'rolebindings', namespace }, own, old.role, role],
    ] as const;
    for (const [kind, target, selector, before, now] of needed) {
      const names = (await base.list(target, own)).map((each) => each.metadata.name);
      if (names.includes(before)) continue;
      const present = selector === own ? names : (await base.list(target, selector)).map((each) => each.metadata.name);
      if (!present.includes(now)) failures.push(`missing ${kind}: ${before}`, `missing ${kind}: ${now}`);
    }
  }
  if (failures.length > 0) throw new Error(failures.join('\n'));
  return bulleted(links.map(({ spec }) => spec.targetClusterName));
}
