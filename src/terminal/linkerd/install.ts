import type { KubeObject } from '#kube/api/types.ts';
import { CRD_NAMES, servedCrds } from '#mesh/check/kubernetes.ts';
import { generateWebhooks } from '#mesh/install/certificates.ts';
import { defaultValues } from '#mesh/install/default-values.ts';
import { issuerProblem } from '#mesh/install/issuer-problem.ts';
import { ensureIdentity } from '#mesh/install/plan.ts';
import { renderInstall, toYaml } from '#mesh/install/render.ts';
import { applyFlags } from './apply-flags.ts';
import { chosenCrds } from './crds-to-install.ts';
import { takeExternalAnchors } from './external-issuer.ts';
import { UsageError } from './flags.ts';
import { INSTALL_FLAGS } from './install-flags.ts';
import { Failure, type Invocation, type Verb } from './verb.ts';

export const install: Verb = {
  name: 'install',
  summary: 'Output Kubernetes configs to install Linkerd',
  long: `Output Kubernetes configs to install Linkerd.

This command provides all Kubernetes configs necessary to install the Linkerd
control plane.`,
  examples: `  # Install CRDs first.
  linkerd install --crds | kubectl apply -f -

  # Install the core control plane.
  linkerd install | kubectl apply -f -

The installation can be configured by using the --set, --values, --set-string and --set-file flags.
A full list of configurable values can be found at https://artifacthub.io/packages/helm/linkerd2/linkerd-control-plane#values`,
  flags: [
    ...INSTALL_FLAGS,
    {
      name: 'ignore-cluster',
      usage: 'Ignore the current Kubernetes cluster when checking for existing cluster configuration (default false)',
    },
  ],
  takes: { least: 0, most: 0 },
  run,
};

async function run(invocation: Invocation): Promise<number> {
  const { flags, clock, controlPlane: namespace, client } = invocation;
  const offline = flags.values.get('ignore-cluster') === 'true';
  if (flags.values.get('crds') === 'true') {
    if (!offline) await refuseExisting(invocation);
    await print(invocation, await chosenCrds(invocation));
    await invocation.err(
      'Rendering Linkerd CRDs...\nNext, run `linkerd install | kubectl apply -f -` to install the control plane.\n\n',
    );
    return 0;
  }
  if (!offline) {
    const crds = await servedCrds(client);
    if (!CRD_NAMES.every((name) => crds.has(name))) {
      throw new Failure('Linkerd CRDs must be installed first. Run linkerd install with the --crds flag.');
    }
    await refuseExisting(invocation);
  }
  const values = await applyFlags(invocation, defaultValues());
  await takeExternalAnchors(invocation, values);
  const { tls } = values.identity.issuer;
  if (
    values.identity.issuer.scheme === 'linkerd.io/tls' &&
    (tls.crtPEM || tls.keyPEM || values.identityTrustAnchorsPEM)
  ) {
    const missing = !values.identityTrustAnchorsPEM
      ? 'trust anchors'
      : !tls.crtPEM
        ? 'certificate'
        : tls.keyPEM
          ? undefined
          : 'private key';
    if (missing) throw new UsageError(`a ${missing} file must be specified if other credentials are provided`);
  }
  await ensureIdentity(values, {
    now: clock.now(),
    namespace,
    ...(flags.values.has('identity-trust-domain') ? { trustDomain: values.identityTrustDomain } : {}),
  });
  if (values.identity.issuer.scheme === 'linkerd.io/tls') {
    const problem = issuerProblem(values.identity.issuer.tls, values.identityTrustAnchorsPEM, clock.now());
    if (problem) throw new UsageError(`failed to validate issuer credentials: ${problem}`);
  }
  const webhooks = await generateWebhooks({ now: clock.now(), namespace });
  return print(invocation, renderInstall({ namespace, values, webhooks, now: clock.now() }));
}

export async function print({ flags, out }: Invocation, objects: KubeObject[]): Promise<number> {
  const format = flags.values.get('output') ?? 'yaml';
  if (format === 'json') for (const object of objects) await out(`${goJsonLine(object)}\n`);
  else if (format === 'yaml') await out(toYaml(objects));
  else throw new UsageError(`unsupported format ${format}`);
  return 0;
}

/** One line, keys in order, as Go writes maps. */
const goJsonLine = (object: unknown): string =>
  JSON.stringify(object, (_, value) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  ).replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);

async function refuseExisting({ client, controlPlane }: Invocation): Promise<void> {
  const target = { group: '', version: 'v1', resource: 'configmaps', namespace: controlPlane };
  const present = await client.get(target, 'linkerd-config').then(
    () => true,
    () => false,
  );
  if (present) {
    throw new Failure(
      `Can't install the Linkerd control plane in the '${controlPlane}' namespace. Reason: ConfigMap/linkerd-config already exists.\nRun the command \`linkerd upgrade\`, if you are looking to upgrade Linkerd.`,
    );
  }
}
