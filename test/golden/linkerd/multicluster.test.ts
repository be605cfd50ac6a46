import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import { merged, setPaths } from '#mesh/install/overrides.ts';
import { toYaml } from '#mesh/install/render.ts';
import { renderMulticluster } from '#mesh/multicluster/install/render.ts';
import { HIGH_AVAILABILITY, multiclusterDefaults } from '#mesh/multicluster/install/values.ts';
import { linkObject } from '#mesh/multicluster/link-object.ts';

/** What `linkerd multicluster install` prints for these flags, the long definition of Link aside. */
function rendered(options: { set?: string[]; ha?: boolean } = {}): string {
  let values = multiclusterDefaults();
  for (const each of options.set ?? []) setPaths(values, each);
  if (options.ha) values = merged(values, HIGH_AVAILABILITY);
  return toYaml(renderMulticluster(values).filter(({ kind }) => kind !== 'CustomResourceDefinition'));
}

/** Beside this file, for people to read. */
const golden = (name: string) => `./multicluster/${name}.yaml`;

describe('the multi-cluster extension', () => {
  it('as it is installed by default', async () => {
    await expect(rendered()).toMatchFileSnapshot(golden('default'));
  });

  it('with the controller of a link', async () => {
    await expect(rendered({ set: ['controllers[0].link.ref.name=west'] })).toMatchFileSnapshot(golden('one-link'));
  });

  it('without a gateway, and two links with settings of their own', async () => {
    const set = [
      'gateway.enabled=false',
      'enableNamespaceCreation=true',
      'controllers[0].link.ref.name=west',
      'controllers[0].gateway.enabled=false',
      'controllers[1].link.ref.name=north',
      'controllers[1].enableHeadlessServices=true',
      'controllers[1].logLevel=debug',
    ];
    await expect(rendered({ set })).toMatchFileSnapshot(golden('two-flat-links'));
  });

  it('highly available', async () => {
    const set = ['controllers[0].link.ref.name=west'];
    await expect(rendered({ set, ha: true })).toMatchFileSnapshot(golden('highly-available'));
  });

  it('links by what the gateway’s Service says', async () => {
    const gateway: KubeObject = {
      ...renderMulticluster(multiclusterDefaults()).find(({ kind }) => kind === 'Service')!,
      status: { loadBalancer: { ingress: [{ ip: '172.18.201.1' }, { hostname: 'gateway.example' }] } },
    };
    const link = linkObject({
      cluster: 'west',
      namespace: 'linkerd-multicluster',
      controlPlane: 'linkerd',
      clusterDomain: 'cluster.local',
      createdBy: 'linkerd/cli edge-26.8.3',
      selector: 'mirror.linkerd.io/exported=true,tier in (front, back),!internal',
      remoteDiscoverySelector: 'mirror.linkerd.io/exported=remote-discovery',
      federatedServiceSelector: 'mirror.linkerd.io/federated=member',
      excludedAnnotations: ['team/*'],
      excludedLabels: [],
      gateway,
    });
    await expect(toYaml([link])).toMatchFileSnapshot(golden('link'));
  });
});
