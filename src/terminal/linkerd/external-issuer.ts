import type { KubeObject } from '#kube/api/types.ts';
import { issuerProblem } from '#mesh/install/issuer-problem.ts';
import type { Values } from '#mesh/install/values.ts';
import { UsageError } from './flags.ts';
import type { Invocation } from './verb.ts';

const SECRET = 'linkerd-identity-issuer';
const WANTED = [
  ['ca.crt', 'trust anchors'],
  ['tls.crt', 'issuer certificate'],
  ['tls.key', 'issuer key'],
] as const;

/**
 * With an issuer that something else keeps (scheme kubernetes.io/tls), what is rendered takes its trust anchors from the
 * Secret, which has to be there and to hold a good issuer (pkg/issuercerts).
 */
export async function takeExternalAnchors(invocation: Invocation, values: Values): Promise<void> {
  if (values.identity.issuer.scheme !== 'kubernetes.io/tls') return;
  const { flags, client, clock, controlPlane: namespace } = invocation;
  // Also when they were stored at the installation: a mesh that changes hands has to give its own copies up.
  const { crtPEM: ownCertificate, keyPEM: ownKey } = values.identity.issuer.tls;
  for (const [given, flag] of [
    [ownCertificate, 'identity-issuer-certificate-file'],
    [ownKey, 'identity-issuer-key-file'],
  ])
    if (given) throw new UsageError(`--${flag} must not be specified if --identity-external-issuer=true`);
  if (flags.values.get('ignore-cluster') === 'true')
    throw new UsageError('--ignore-cluster is not supported when --identity-external-issuer=true');
  let secret: KubeObject;
  try {
    secret = await client.get({ group: '', version: 'v1', resource: 'secrets', namespace }, SECRET);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const [anchors, crtPEM, keyPEM] = WANTED.map(([key, what]) => {
    const value: string | undefined = secret['data']?.[key];
    if (value === undefined)
      throw new UsageError(
        `key ${key} containing the ${what} needs to exist in secret ${SECRET} if --identity-external-issuer=true`,
      );
    return Buffer.from(value, 'base64').toString('utf8');
  }) as [string, string, string];
  const problem = issuerProblem({ crtPEM, keyPEM }, anchors, clock.now());
  if (problem) throw new UsageError(`failed to validate issuer credentials: ${problem}`);
  values.identityTrustAnchorsPEM = anchors;
}
