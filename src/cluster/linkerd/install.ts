import { parseGoDuration } from '#base/go-duration.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { splitApiVersion } from '#kube/client/paths.ts';
import { gatewayApiCrds } from '#mesh/crds/crds.ts';
import { renderCrds } from '#mesh/install/crds.ts';
import { planInstall } from '#mesh/install/plan.ts';
import type { ClusterSettings } from '#schema/lab.ts';
import { type Authority, meshIssuer } from './authority.ts';
import { established } from './ready.ts';

export interface InstallOptions {
  admin: KubeClient;
  settings: ClusterSettings;
  anchor: Authority;
  /** The cluster's clock, ms since the epoch. */
  now: number;
  /**
   * Renders the manifests with the official program instead of our own rendering of its chart; resolves with the objects
   * that it printed for these arguments and files.
   */
  cli?: (args: string[], files: Record<string, string>) => Promise<KubeObject[]>;
}

const CRDS: Target = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };
/** Objects are left as `kubectl apply` leaves them, so that a learner's own apply finds what it expects. */
const MANAGER = 'kubectl-client-side-apply';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const YEAR_MS = 365 * 86_400_000;
const ESTABLISHED_WITHIN_MS = 60_000;

/**
 * Installs the pinned Linkerd release into an empty cluster through its API, as `linkerd install … | kubectl apply -f -`
 * would: the CRDs, those of the Gateway API, and the control plane under the given anchor. Everything that is chosen for
 * the mesh of a lab is chosen here, for every driver.
 */
export async function installLinkerd(o: InstallOptions): Promise<void> {
  const { admin, settings, anchor, now, cli } = o;
  const definitions = cli
    ? // It refuses a cluster without the Gateway API unless it brings that itself.
      await cli(['install', '--crds', '--set=installGatewayAPI=true'], {})
    : [...gatewayApiCrds(), ...renderCrds()];
  for (const definition of definitions) await admin.create(CRDS, definition, { fieldManager: MANAGER });
  await established(
    admin,
    definitions.map(({ metadata }) => metadata.name ?? ''),
    AbortSignal.timeout(ESTABLISHED_WITHIN_MS),
  );
  const issuer = await meshIssuer(anchor, now, parseGoDuration(settings.issuerLifetime) ?? YEAR_MS);
  const lifetimeMs = parseGoDuration(settings.issuanceLifetime);
  const lifetime = lifetimeMs === undefined ? undefined : goDuration(lifetimeMs);
  const controlPlane = cli
    ? await cli(
        [
          'install',
          '--identity-trust-anchors-file=ca.crt',
          '--identity-issuer-certificate-file=issuer.crt',
          '--identity-issuer-key-file=issuer.key',
          ...(lifetime ? [`--identity-issuance-lifetime=${lifetime}`] : []),
          `--set=proxy.defaultInboundPolicy=${settings.defaultInboundPolicy}`,
          // It would report to a server outside, and a session's network has no way out.
          '--disable-heartbeat',
        ],
        { 'ca.crt': anchor.certificate, 'issuer.crt': issuer.certificate, 'issuer.key': issuer.privateKey },
      )
    : await planInstall({
        now,
        anchors: anchor.certificate,
        issuer,
        ...(lifetime ? { issuanceLifetime: lifetime } : {}),
        defaultInboundPolicy: settings.defaultInboundPolicy,
        values: { disableHeartBeat: true },
      });
  await createAll(admin, controlPlane);
}

async function createAll(admin: KubeClient, objects: KubeObject[]): Promise<void> {
  const targets = new Map(
    (await admin.discover({ fresh: true })).map((known) => [`${known.group}/${known.version}/${known.kind}`, known]),
  );
  for (const object of objects) {
    const { group, version } = splitApiVersion(object.apiVersion);
    const known = targets.get(`${group}/${version}/${object.kind}`);
    if (!known) throw new Error(`the cluster does not serve ${object.apiVersion} ${object.kind}`);
    const { namespace } = object.metadata;
    await admin.create(
      { group, version, resource: known.resource, ...(known.namespaced && namespace ? { namespace } : {}) },
      applied(object),
      { fieldManager: MANAGER },
    );
  }
}

/** As kubectl leaves it: with the annotation from which the next apply finds what was removed. */
function applied(object: KubeObject): KubeObject {
  const { [LAST_APPLIED]: _, ...annotations } = object.metadata.annotations ?? {};
  const plain = { ...object, metadata: { ...object.metadata, annotations } };
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...annotations, [LAST_APPLIED]: `${sortedJson(plain)}\n` } },
  };
}

const sortedJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );

/** Milliseconds as Go prints a duration: `24h0m0s`. */
function goDuration(ms: number): string {
  const s = Math.round(ms / 1000);
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h > 0 ? `${h}h${m}m${s % 60}s` : m > 0 ? `${m}m${s % 60}s` : `${s}s`;
}
