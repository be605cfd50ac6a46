import type { X509Certificate } from 'node:crypto';
import { messageOf } from '#base/errors.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import { chainProblem, dateProblem, described, keyProblem, readBundle, SIXTY_DAYS_MS } from './certificates.ts';
import { type Category, Skip } from './runner.ts';
import { fits, privateKey, servingCertificate, servingProblem, soonProblem } from './serving-certificate.ts';
import { bullets, CORE, proxyOf, type World } from './world.ts';

const decode = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString();

interface Credentials {
  anchors: X509Certificate[];
  issuer: X509Certificate[];
}

/** Anchors from linkerd-config (scheme linkerd.io/tls) or from the Secret's ca.crt, and the issuer from its Secret. */
async function credentials(world: World): Promise<Credentials> {
  return world.once('credentials', async () => {
    const values = await world.values();
    const scheme = values.identity.issuer.scheme;
    const secret = await world.find(CORE('secrets', world.controlPlane), 'linkerd-identity-issuer');
    if (!secret) throw new Error('secrets "linkerd-identity-issuer" not found');
    const external = scheme === 'kubernetes.io/tls';
    const [certKey, keyKey] = external ? (['tls.crt', 'tls.key'] as const) : (['crt.pem', 'key.pem'] as const);
    const wanted: [key: string, what: string][] = [
      ...(external ? [['ca.crt', 'trust anchors'] as [string, string]] : []),
      [certKey, 'issuer certificate'],
      [keyKey, 'issuer key'],
    ];
    for (const [key, what] of wanted) {
      if (secret.data?.[key] === undefined) {
        // The official one says true of a missing key under either scheme.
        const said = external || key === keyKey;
        throw new Error(
          `key ${key} containing the ${what} needs to exist in secret linkerd-identity-issuer if --identity-external-issuer=${said}`,
        );
      }
    }
    const anchorsPem = external ? decode(secret.data['ca.crt']) : values.identityTrustAnchorsPEM;
    let issuer: X509Certificate[];
    try {
      const text = decode(secret.data[certKey]);
      if (text === '') throw new Error('No certificates found');
      issuer = readBundle(text);
    } catch (error) {
      throw new Error(`could not parse issuer certificate: ${messageOf(error)}`, { cause: error });
    }
    const key = privateKey(decode(secret.data[keyKey]));
    if (!fits(key, issuer[0]!)) throw new Error('tls: Public and private key do not match');
    return { anchors: readBundle(anchorsPem), issuer };
  });
}

/** Lists the anchors that have a problem under a heading. */
async function anchorsWithout(
  world: World,
  heading: string,
  problem: (anchor: X509Certificate) => string | undefined,
): Promise<void> {
  const { anchors } = await credentials(world);
  const bad = anchors.flatMap((anchor) => {
    const why = problem(anchor);
    return why ? [`${described(anchor)} ${why}`] : [];
  });
  if (bad.length > 0) throw new Error(`${heading}\n${bad.map((line) => `\t${line}`).join('\n')}`);
}

const expiry = (certificate: X509Certificate): number => Date.parse(certificate.validTo);

export const identity: Category<World> = {
  name: 'linkerd-identity',
  checks: [
    {
      description: 'certificate config is valid',
      hint: 'l5d-identity-cert-config-valid',
      fatal: true,
      run: async (world) => {
        await credentials(world);
      },
    },
    {
      description: 'trust anchors are using supported crypto algorithm',
      hint: 'l5d-identity-trustAnchors-use-supported-crypto',
      fatal: true,
      run: (world) => anchorsWithout(world, 'Invalid trustAnchors:', (anchor) => keyProblem(anchor, 'anchor')),
    },
    {
      description: 'trust anchors are within their validity period',
      hint: 'l5d-identity-trustAnchors-are-time-valid',
      fatal: true,
      run: (world) => anchorsWithout(world, 'Invalid anchors:', (anchor) => dateProblem(anchor, world.clock.now())),
    },
    {
      description: 'trust anchors are valid for at least 60 days',
      hint: 'l5d-identity-trustAnchors-not-expiring-soon',
      warning: true,
      run: (world) =>
        anchorsWithout(world, 'Anchors expiring soon:', (anchor) =>
          expiry(anchor) - world.clock.now() < SIXTY_DAYS_MS ? `will expire on ${rfc3339(expiry(anchor))}` : undefined,
        ),
    },
    {
      description: 'issuer cert is using supported crypto algorithm',
      hint: 'l5d-identity-issuer-cert-uses-supported-crypto',
      fatal: true,
      run: async (world) => {
        const why = keyProblem((await credentials(world)).issuer[0]!, 'issuer');
        if (why) throw new Error(`issuer certificate ${why}`);
      },
    },
    {
      description: 'issuer cert is within its validity period',
      hint: 'l5d-identity-issuer-cert-is-time-valid',
      fatal: true,
      run: async (world) => {
        const why = dateProblem((await credentials(world)).issuer[0]!, world.clock.now());
        if (why) throw new Error(`issuer certificate is ${why}`);
      },
    },
    {
      description: 'issuer cert is valid for at least 60 days',
      hint: 'l5d-identity-issuer-cert-not-expiring-soon',
      warning: true,
      run: async (world) => {
        const at = expiry((await credentials(world)).issuer[0]!);
        if (at - world.clock.now() < SIXTY_DAYS_MS) throw new Error(`issuer certificate will expire on ${rfc3339(at)}`);
      },
    },
    {
      description: 'issuer cert is issued by the trust anchor',
      hint: 'l5d-identity-issuer-cert-issued-by-trust-anchor',
      run: async (world) => {
        const { issuer, anchors } = await credentials(world);
        const why = chainProblem(issuer[0]!, anchors, world.clock.now());
        if (why) throw new Error(why);
      },
    },
  ],
};

/** The webhooks' serving certificates: present, issued by the bundle that the API server is told, in date. */
export const webhooks: Category<World> = {
  name: 'linkerd-webhooks-and-apisvc-tls',
  checks: (
    [
      ['proxy-injector', 'mutatingwebhookconfigurations'],
      ['sp-validator', 'validatingwebhookconfigurations'],
      ['policy-validator', 'validatingwebhookconfigurations'],
    ] as const
  ).flatMap(([name, resource]) => {
    const read = async (world: World) => {
      const found = await servingCertificate(world, world.controlPlane, `linkerd-${name}-k8s-tls`);
      if (found) return found;
      if (name === 'policy-validator') throw new Skip();
      // An older name is tried after the present one, and it is the older one that is told.
      throw new Error(`secrets "linkerd-${name}-tls" not found`);
    };
    return [
      {
        description: `${name} webhook has valid cert`,
        hint: `l5d-${name}-webhook-cert-valid`,
        fatal: true,
        run: async (world: World) => {
          const target = { group: 'admissionregistration.k8s.io', version: 'v1', resource };
          const configuration = await world.find(target, `linkerd-${name}-webhook-config`);
          if (!configuration && name === 'policy-validator') throw new Skip();
          if (!configuration)
            throw new Error(`${resource}.admissionregistration.k8s.io "linkerd-${name}-webhook-config" not found`);
          const hooks: { clientConfig?: { caBundle?: string } }[] = configuration.webhooks ?? [];
          if (hooks.length !== 1) throw new Error(`expected 1 webhooks, found ${hooks.length}`);
          const dns = `linkerd-${name}.${world.controlPlane}.svc`;
          const why = servingProblem(await read(world), hooks[0]?.clientConfig?.caBundle, dns, world.clock.now());
          if (why) throw new Error(why);
        },
      },
      {
        description: `${name} cert is valid for at least 60 days`,
        hint: `l5d-${name}-webhook-cert-not-expiring-soon`,
        warning: true,
        run: async (world: World) => {
          const why = soonProblem(await read(world), world.clock.now());
          if (why) throw new Error(why);
        },
      },
    ];
  }),
};

/** Pods whose proxies were given other anchors than the ConfigMap has now. */
export async function podsWithOldAnchors(world: World, which: 'data-plane' | 'control-plane'): Promise<string[]> {
  const roots = await world.client.get(CORE('configmaps', world.controlPlane), 'linkerd-identity-trust-roots');
  const current = String(roots.data?.['ca-bundle.crt'] ?? '').trim();
  const pods = which === 'control-plane' ? await world.controlPlanePods() : await world.dataPlanePods();
  return pods
    .filter((pod) => which === 'control-plane' || pod.metadata.namespace !== world.controlPlane)
    .filter((pod) => {
      const env = proxyOf(pod)?.env?.find(
        (each: { name: string }) => each.name === 'LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS',
      );
      return typeof env?.value === 'string' && env.value.trim() !== current;
    })
    .map((pod) => (world.dataPlane ? pod.metadata.name! : `${pod.metadata.namespace}/${pod.metadata.name}`))
    .sort();
}

export const identityDataPlane: Category<World> = {
  name: 'linkerd-identity-data-plane',
  checks: [
    {
      description: 'data plane proxies certificate match CA',
      hint: 'l5d-identity-data-plane-proxies-certs-match-ca',
      warning: true,
      run: async (world) => {
        const old = await podsWithOldAnchors(world, 'data-plane');
        if (old.length > 0) {
          throw new Error(`Some pods do not have the current trust bundle and must be restarted:${bullets(old)}`);
        }
      },
    },
  ],
};
