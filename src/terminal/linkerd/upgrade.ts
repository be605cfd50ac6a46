import { servedCrds } from '#mesh/check/kubernetes.ts';
import { proxyOf } from '#mesh/check/world.ts';
import { generateWebhooks } from '#mesh/install/certificates.ts';
import { issuerProblem, verifyProblem } from '#mesh/install/issuer-problem.ts';
import { renderInstall } from '#mesh/install/render.ts';
import { applyFlags } from './apply-flags.ts';
import { chosenCrds } from './crds-to-install.ts';
import { takeExternalAnchors } from './external-issuer.ts';
import { print } from './install.ts';
import { UPGRADE_FLAGS } from './install-flags.ts';
import { storedValues } from './stored-values.ts';
import { Failure, type Invocation, isClosedPipe, type Verb } from './verb.ts';

export const upgrade: Verb = {
  name: 'upgrade',
  summary: 'Output Kubernetes configs to upgrade an existing Linkerd control plane',
  long: `Output Kubernetes configs to upgrade an existing Linkerd control plane.

Note that the default flag values for this command come from the Linkerd control
plane. The default values displayed in the Flags section below only apply to the
install command.

The upgrade can be configured by using the --set, --values, --set-string and --set-file flags.
A full list of configurable values can be found at https://www.github.com/linkerd/linkerd2/tree/main/charts/linkerd-control-plane/values.yaml`,
  examples: `  # Upgrade CRDs first
  linkerd upgrade --crds | kubectl apply -f -

  # Then upgrade the control plane
  linkerd upgrade | kubectl apply -f -

  # And lastly, remove linkerd resources that no longer exist in the current version
  linkerd prune | kubectl delete -f -`,
  flags: [
    ...UPGRADE_FLAGS,
    {
      name: 'force',
      usage: 'Force upgrade operation even when issuer certificate does not work with the trust anchors of all proxies',
    },
    {
      name: 'from-manifests',
      type: 'string',
      usage: 'Read config from a Linkerd install YAML rather than from Kubernetes',
    },
  ],
  takes: { least: 0, most: 0 },
  run,
};

async function run(invocation: Invocation): Promise<number> {
  try {
    return await rendered(invocation);
  } catch (error) {
    // Whatever it is, upgrade says it without its usage.
    throw error instanceof Error && !isClosedPipe(error) ? new Failure(error.message) : error;
  }
}

async function rendered(invocation: Invocation): Promise<number> {
  const { flags, clock, client, controlPlane: namespace } = invocation;
  const onlyCrds = flags.values.get('crds') === 'true';
  const crds = await chosenCrds(invocation).catch((error: Error) => {
    if (!onlyCrds) throw error;
    throw new Failure(
      `× Could not render upgrade configuration: ${error.message}\nFor troubleshooting help, visit: https://linkerd.io/upgrade/#troubleshooting\n`,
    );
  });
  if (onlyCrds) return print(invocation, crds);
  const present = await servedCrds(client);
  const missing = crds.filter(({ metadata }) => !present.has(metadata.name!));
  if (missing.length > 0)
    throw new Failure(
      `Linkerd CRDs must be installed first. Run linkerd upgrade with the --crds flag:\n${missing.map(({ metadata }) => `missing ${metadata.name}`).join(', ')}`,
    );
  const before = await storedValues(invocation, flags.values.get('from-manifests'));
  if (!before)
    throw new Failure(
      'Could not find the linkerd-config-overrides secret.\n\t\t\tIf Linkerd was installed with Helm, please use Helm to perform upgrades',
    );
  if (before.identity.issuer.scheme === 'kubernetes.io/tls') {
    for (const name of ['identity-issuer-certificate-file', 'identity-issuer-key-file']) {
      if (flags.values.has(name)) {
        throw new Failure('cannot update issuer certificates if you are using external cert management solution');
      }
    }
  }
  const values = await applyFlags(invocation, before, { checksTypes: false });
  await takeExternalAnchors(invocation, values);
  if (values.identity.issuer.scheme === 'linkerd.io/tls') {
    const { tls } = values.identity.issuer;
    const problem = issuerProblem(tls, values.identityTrustAnchorsPEM, clock.now());
    if (problem) throw new Failure(`failed to validate issuer credentials: ${problem}`);
    if (flags.values.get('force') !== 'true') await refuseStrandedPods(invocation, tls.crtPEM);
  }
  if (flags.values.has('identity-trust-anchors-file')) {
    await invocation.err(
      '\n‼ Rotating the trust anchors will affect existing proxies\nSee https://linkerd.io/2/tasks/rotating_identity_certificates/ for more information\n\n',
    );
  }
  // The serving certificates of the webhooks are made anew each time, as the chart's template does.
  const webhooks = await generateWebhooks({ now: clock.now(), namespace });
  return print(invocation, renderInstall({ namespace, values, webhooks, now: clock.now() }));
}

/** Pods whose proxies could not verify a leaf of the new issuer; upgrade names them and stops. */
async function refuseStrandedPods({ client, controlPlane, clock }: Invocation, issuer: string): Promise<void> {
  const pods = await client.list(
    { group: '', version: 'v1', resource: 'pods' },
    { labelSelector: `linkerd.io/control-plane-ns=${controlPlane}` },
  );
  const stranded = pods.items
    .filter((pod) => {
      const env: { name: string; value?: string }[] = proxyOf(pod)?.env ?? [];
      const anchors = env.find((each) => each.name === 'LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS')?.value;
      // Pods of the control plane take their anchors from the ConfigMap and are rolled by the upgrade itself.
      return anchors !== undefined && verifyProblem(issuer, anchors, clock.now()) !== undefined;
    })
    .map((pod) => `\t* ${pod.metadata.namespace}/${pod.metadata.name}\n`);
  if (stranded.length === 0) return;
  throw new Failure(
    `You are attempting to use an issuer certificate which does not validate against the trust anchors of the following pods:\n${stranded.join('')}These pods do not have the current trust bundle and must be restarted.  Use the --force flag to proceed anyway (this will likely prevent those pods from sending or receiving traffic).`,
  );
}
