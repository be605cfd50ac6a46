import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { gatewayApiCrds } from '#mesh/crds/crds.ts';
import { renderCrds } from '#mesh/install/crds.ts';
import { planInstall } from '#mesh/install/plan.ts';
import type { ClusterSettings } from '#schema/lab.ts';
import { makeAuthority } from './authority.ts';
import { deploymentsAvailable, established } from './ready.ts';

export interface InstallOptions {
  admin: KubeClient;
  settings: ClusterSettings;
  /** The cluster's clock, ms since the epoch. */
  now: number;
  /**
   * Renders the manifests with the official program instead of our own rendering of its chart; resolves with the YAML
   * that `linkerd install` printed for these arguments and files.
   */
  cli?: (args: string[], files: Record<string, string>) => Promise<KubeObject[]>;
}

export interface InstalledMesh {
  /** Files for the learner's home. */
  homeFiles: Record<string, string>;
  /** Resolves when the control plane is available. */
  ready(signal: AbortSignal): Promise<void>;
}

const FIELD_MANAGER = 'linkerd';

/**
 * Installs the pinned Linkerd release into a cluster through its API: the CRDs, those of the Gateway API, and the control
 * plane with an anchor and an issuer of its own. Everything that is chosen here stands here.
 */
export async function installLinkerd(o: InstallOptions): Promise<InstalledMesh> {
  const { admin, settings, now } = o;
  const authority = await makeAuthority({ now, issuerLifetime: settings.issuerLifetime });
  const apply = async (objects: KubeObject[]) => {
    for (const object of objects) await admin.apply(object, { fieldManager: FIELD_MANAGER, force: true });
  };
  const crds = [...gatewayApiCrds(), ...(o.cli ? await o.cli(['install', '--crds'], {}) : renderCrds())];
  await Promise.all(crds.map((object) => admin.apply(object, { fieldManager: FIELD_MANAGER, force: true })));
  await established(
    admin,
    crds.filter((crd) => crd.kind === 'CustomResourceDefinition').map((crd) => crd.metadata.name ?? ''),
    AbortSignal.timeout(60_000),
  );
  await admin.discover({ fresh: true });
  const controlPlane = o.cli
    ? await o.cli(
        [
          'install',
          '--identity-trust-anchors-file=ca.crt',
          '--identity-issuer-certificate-file=issuer.crt',
          '--identity-issuer-key-file=issuer.key',
          `--identity-issuance-lifetime=${settings.issuanceLifetime}`,
          `--set=proxy.defaultInboundPolicy=${settings.defaultInboundPolicy}`,
          // There is nobody to report to: session networks have no way out.
          '--disable-heartbeat',
        ],
        {
          'ca.crt': authority.anchor.certificate,
          'issuer.crt': authority.issuer.certificate,
          'issuer.key': authority.issuer.privateKey,
        },
      )
    : await planInstall({
        now,
        anchors: authority.anchor.certificate,
        issuer: authority.issuer,
        issuanceLifetime: settings.issuanceLifetime,
        defaultInboundPolicy: settings.defaultInboundPolicy,
        values: { disableHeartBeat: true },
      });
  await apply(controlPlane);
  return {
    homeFiles: authority.homeFiles,
    ready: (signal) => deploymentsAvailable(admin, 'linkerd', signal),
  };
}
