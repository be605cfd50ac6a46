import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import type { KubeObject } from '#kube/api/types.ts';
import { proxyOf } from '#mesh/check/world.ts';
import { certificateText } from './certificate-text.ts';
import { UsageError } from './flags.ts';
import type { Invocation, Verb } from './verb.ts';

export const identity: Verb = {
  name: 'identity',
  summary: 'Display the certificate(s) of one or more selected pod(s)',
  long: `Display the certificate(s) of one or more selected pod(s).

This command initiates a port-forward to a given pod or a set of pods and
fetches the TLS certificate.`,
  usage: '[flags] (PODS)',
  examples: `  # Get certificate from pod foo-bar in the default namespace.
  linkerd identity foo-bar

  # Get certificate from all pods with the label name=nginx
  linkerd identity -l name=nginx`,
  flags: [
    { name: 'namespace', short: 'n', type: 'string', usage: 'Namespace of the pod' },
    {
      name: 'selector',
      short: 'l',
      type: 'string',
      usage: 'Selector (label query) to filter on, supports ‘=’, ‘==’, and ‘!=’',
    },
  ],
  run,
  async complete({ client, namespace }) {
    const list = await client.list({ group: '', version: 'v1', resource: 'pods', namespace });
    return list.items.map((pod) => pod.metadata.name ?? '');
  },
};

async function run(invocation: Invocation): Promise<number> {
  const { client, args, flags, namespace, out } = invocation;
  const selector = flags.values.get('selector');
  if (args.length === 0 && !selector) {
    throw new UsageError('Provide the pod name argument or use the selector flag');
  }
  const target = { group: '', version: 'v1', resource: 'pods', namespace };
  let pods: KubeObject[];
  if (args.length > 0) pods = await Promise.all(args.map((name) => client.get(target, name)));
  else pods = (await client.list(target, { labelSelector: selector ?? '' })).items;
  if (pods.length === 0) {
    await out('Could not fetch Certificate. Ensure that the pod(s) are meshed by running `linkerd inject`\n');
    return 0;
  }
  for (const [i, pod] of pods.entries()) {
    await out(`\nPOD ${pod.metadata.name} (${i + 1} of ${pods.length})\n\n`);
    try {
      for (const certificate of await certificatesOf(invocation, pod)) {
        if (!certificate.ca) await out(certificateText(certificate));
      }
    } catch (error) {
      await out(`\n${(error as Error).message}\n`);
    }
  }
  return 0;
}

const HANDSHAKE_MS = 10_000;

/** The chain that a pod's proxy shows on its admin port, to a client that asks for its identity by name. */
export async function certificatesOf(
  { client, clock, controlPlane, context }: Pick<Invocation, 'client' | 'clock' | 'controlPlane' | 'context'>,
  pod: KubeObject,
): Promise<X509Certificate[]> {
  const proxy = proxyOf(pod);
  const port = proxy?.ports?.find((each: { name?: string }) => each.name === 'linkerd-admin')?.containerPort;
  if (!port) throw new Error('failed to find linkerd-admin port in linkerd-proxy container for given pod spec');
  const domain =
    proxy.env?.find((each: { name: string }) => each.name === '_l5d_trustdomain')?.value ?? 'cluster.local';
  const { namespace = '', name = '' } = pod.metadata;
  const account = pod.spec?.serviceAccountName || 'default';
  const servername = `${account}.${namespace}.serviceaccount.identity.${controlPlane}.${domain}`;
  const stream = await client.portForward(namespace, name, port, context.signal);
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => socket.destroy(new Error('tls: handshake timed out')), HANDSHAKE_MS);
    // The chain is what is asked for, not whether this client would trust it.
    const socket = connect({ socket: stream, servername, rejectUnauthorized: false, minVersion: 'TLSv1.2' }, () => {
      const chain: X509Certificate[] = [];
      const seen = new Set<string>();
      for (
        let each = socket.getPeerCertificate(true);
        each?.raw && !seen.has(each.fingerprint256);
        each = each.issuerCertificate
      ) {
        seen.add(each.fingerprint256);
        chain.push(new X509Certificate(each.raw));
      }
      timer.cancel();
      resolve(chain);
      socket.destroy();
      stream.destroy();
    });
    socket.once('error', (error) => {
      timer.cancel();
      stream.destroy();
      reject(error);
    });
  });
}
