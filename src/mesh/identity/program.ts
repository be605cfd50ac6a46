import { parseGoDuration } from '#base/go-duration.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';
import { GrpcServer } from '#mesh/api/grpc.ts';
import { CERTIFY } from '#mesh/api/identity-api.ts';
import { portOf, Running, readArguments, serveAdmin } from '#mesh/policy/container.ts';
import { Certifier, type TokenReviewer } from './certify.ts';
import { readPool } from './credentials.ts';
import { EventRecorder, type ObjectReference } from './event-recorder.ts';
import { ISSUER_FILES, Issuer } from './issuer.ts';

const ISSUER_DIRECTORY = '/var/run/linkerd/identity/issuer';
const ROOTS = '/var/run/linkerd/identity/trust-roots/ca-bundle.crt';
const AUDIENCE = 'identity.l5d.io';
const COMPONENT = 'linkerd-identity';
const TOKEN_REVIEWS: Target = { group: 'authentication.k8s.io', version: 'v1', resource: 'tokenreviews' };

export interface IdentityWorld {
  /** Speaks to the API server as the pod's service account. */
  client: KubeClient;
}

/**
 * The identity controller. It reads the trust roots once; the issuer is read anew whenever the mounted Secret changes,
 * and an issuer that does not stand under the roots is not taken. A bad issuer at the start ends the process.
 */
export function startIdentity(context: ContainerContext, { client }: IdentityWorld): Process {
  const running = new Running(context);
  const args = readArguments(context.argv.slice(1));
  const { clock, files } = context;
  const startedAt = clock.now();
  const controlPlaneNamespace = args.get('controller-namespace') ?? 'linkerd';
  const trustDomain = args.get('identity-trust-domain') || 'cluster.local';
  const expectedName = `identity.${controlPlaneNamespace}.${trustDomain}`;
  const directory = args.get('issuer') ?? ISSUER_DIRECTORY;
  const names = ISSUER_FILES[args.get('identity-scheme') ?? 'linkerd.io/tls'] ?? ISSUER_FILES['linkerd.io/tls']!;
  const text = (path: string): string | undefined => {
    const bytes = files.readFile(path);
    return bytes && Buffer.from(bytes).toString('utf8');
  };
  const fatal = (message: string): Process => {
    logrus('fatal', message);
    void running.exit(1);
    return running;
  };
  const logrus: Running['logrus'] = (...line) => running.logrus(...line);
  running.version();

  const roots = text(ROOTS) ?? '';
  let anchors: ReturnType<typeof readPool>;
  try {
    anchors = readPool(roots);
  } catch (error) {
    return fatal(`Failed to read trust anchors: ${(error as Error).message}`);
  }

  const events = new EventRecorder({ client, clock, component: COMPONENT });
  const deployment: ObjectReference = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: COMPONENT,
    namespace: controlPlaneNamespace,
  };

  const certifier = new Certifier({
    anchors,
    clock,
    domain: { controlPlaneNamespace, trustDomain },
    validity: {
      lifetimeMs: parseGoDuration(args.get('identity-issuance-lifetime')) ?? 24 * 3_600_000,
      clockSkewMs: parseGoDuration(args.get('identity-clock-skew-allowance')) ?? 10_000,
    },
    review: tokenReviewer(client),
    events: {
      issued: ({ namespace, serviceAccount, message }) => {
        logrus('info', message);
        events.record(
          { apiVersion: 'v1', kind: 'ServiceAccount', name: serviceAccount, namespace },
          'Normal',
          'IssuedLeafCertificate',
          message,
        );
      },
      issuerInvalid: (message) => {
        logrus('error', `could not process CSR because of CA cert validation failure: ${message}`);
        events.record({ ...deployment }, 'Warning', 'IssuerValidationFailed', message);
      },
      refused: logrus,
    },
  });

  const load = (): void => {
    const issuer = Issuer.read(directory, names, text);
    const fault = issuer.fault(anchors, clock.now(), clock.now() - startedAt);
    if (fault) {
      throw new Error(`failed to verify issuer credentials for '${expectedName}' with trust anchors: ${fault}`);
    }
    if (!issuer.isCa)
      throw new Error('failed to verify issuer certificate: it must be an intermediate-CA, but it is not');
    certifier.issuer = issuer;
    const seconds = Math.floor(issuer.notAfter / 1000);
    const now = Math.floor(clock.now() / 1000);
    logrus(
      'info',
      'Issuer cert loaded',
      ` invalid_after=${seconds} process_clock_time=${now} ttl_seconds=${seconds - now}`,
    );
  };

  const adminPort = portOf(args.get('admin-addr'), 9990);
  logrus('info', `starting admin server on :${adminPort}`);
  logrus(
    'info',
    `Using k8s client with QPS=${Number(args.get('kube-apiclient-qps') ?? 100).toFixed(2)} Burst=${args.get('kube-apiclient-burst') ?? 200}`,
  );
  try {
    load();
  } catch (error) {
    return fatal(`Failed to initialize identity service: ${(error as Error).message}`);
  }
  running.life.add(
    files.watch(directory, () => {
      try {
        load();
        logrus('info', 'Updated identity issuer');
        events.record({ ...deployment }, 'Normal', 'IssuerUpdated', 'Updated identity issuer');
      } catch (error) {
        const message = `Skipping issuer update as certs could not be read from disk: ${(error as Error).message}`;
        logrus('warning', message);
        events.record({ ...deployment }, 'Warning', 'IssuerUpdateSkipped', message);
      }
    }),
  );

  serveAdmin(running, adminPort, {
    ready: () => certifier.issuer !== undefined,
    metrics: () => {
      const ttl = certifier.issuer ? Math.floor((certifier.issuer.notAfter - clock.now()) / 1000) : 0;
      return (
        '# HELP issuer_cert_ttl_seconds Seconds until the issuer certificate expires\n' +
        `# TYPE issuer_cert_ttl_seconds gauge\nissuer_cert_ttl_seconds ${ttl}\n`
      );
    },
  });
  const grpcPort = portOf(args.get('addr'), 8080);
  logrus('info', `starting gRPC server on :${grpcPort}`);
  const server = new GrpcServer().add(CERTIFY, async (call) => call.send(await certifier.certify(call.request)));
  const open = new Set<{ destroy(): void }>();
  const listener = context.net.listen(
    grpcPort,
    (connection) => {
      open.add(connection);
      connection.once('close', () => open.delete(connection));
      server.accept(connection);
    },
    { uid: context.uid },
  );
  running.life.add(() => {
    listener.close();
    for (const connection of open) connection.destroy();
  });
  return running;
}

/** TokenReview with the audience of projected tokens (controller/identity/validator.go). */
function tokenReviewer(client: KubeClient): TokenReviewer {
  return async (token) => {
    const review = await client.create(TOKEN_REVIEWS, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: {},
      spec: { token, audiences: [AUDIENCE] },
    });
    const status = review['status'] ?? {};
    if (status.error) return { error: status.error };
    return status.authenticated ? { username: status.user?.username ?? '' } : undefined;
  };
}
