import type { KubeClient } from '#kube/client/client.ts';
import type { ContainerContext, Image, Process } from '#kube/images/program.ts';
import { startAwait } from './await.ts';
import { startNetworkValidator } from './network-validator.ts';
import { startProxyInit } from './proxy-init.ts';

const VERSION = 'edge-26.8.3';

/** The pod's own service account, as its mounted token would authenticate it. */
function clientOf(context: ContainerContext): KubeClient {
  if (!context.services) throw new Error('a controller needs a way to the API server');
  const { namespace, serviceAccount } = context.pod;
  return context.services.kube({
    username: `system:serviceaccount:${namespace}:${serviceAccount}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: { 'authentication.kubernetes.io/pod-name': [context.pod.name] },
  });
}

/** Starts a program whose code is loaded only when a pod needs it. */
function lazily(load: () => Promise<Process>): Process {
  let killed: NodeJS.Signals | undefined;
  let process: Process | undefined;
  const started = load().then((made) => {
    process = made;
    if (killed) made.kill(killed);
    return made;
  });
  return {
    exited: started.then(
      ({ exited }) => exited,
      () => 1,
    ),
    kill(signal) {
      killed = signal;
      process?.kill(signal);
    },
  };
}

const once = (code: number): Process => ({ exited: Promise.resolve(code), kill() {} });

/** `cr.l5d.io/linkerd/controller`: the control plane's programs, by their first word. */
export const controllerImage: Image = {
  repository: 'cr.l5d.io/linkerd/controller',
  summary: 'Linkerd control plane: identity, destination, policy, proxy-injector, sp-validator, service-mirror',
  entrypoint: ['/controller'],
  cmd: [],
  user: 0,
  env: { LINKERD_CONTAINER_VERSION_OVERRIDE: VERSION },
  workingDir: '/',
  hasShell: false,
  start(context) {
    const [first = '', second = ''] = context.argv;
    const direct = first.split('/').at(-1);
    const program = direct === 'controller' ? second : direct;
    // The program's own arguments follow its name, whichever way it was called.
    const inner = { ...context, argv: direct === 'controller' ? context.argv.slice(1) : context.argv };
    switch (program) {
      case 'identity':
        return lazily(async () =>
          (await import('#mesh/identity/program.ts')).startIdentity(inner, { client: clientOf(inner) }),
        );
      case 'destination':
        return lazily(async () =>
          (await import('#mesh/destination/program.ts')).startDestination(inner, { client: clientOf(inner) }),
        );
      case 'sp-validator':
        return lazily(async () => (await import('#mesh/destination/program.ts')).startSpValidator(inner));
      case 'linkerd-policy-controller':
      case 'policy':
        return lazily(async () =>
          (await import('#mesh/policy/program.ts')).startPolicy(inner, { client: clientOf(inner) }),
        );
      case 'proxy-injector':
        return lazily(async () =>
          (await import('#mesh/injector/program.ts')).startInjector(inner, { client: clientOf(inner) }),
        );
      case 'service-mirror':
        return lazily(async () =>
          (await import('#mesh/multicluster/mirror/program.ts')).startServiceMirror(inner, { client: clientOf(inner) }),
        );
      case 'heartbeat':
        // Would report to a server outside; an academy has none to report to.
        return once(0);
      default:
        return undefined;
    }
  },
};

/** `cr.l5d.io/linkerd/tap`: what the viz extension's tap is made of, by its first word. */
export const tapImage: Image = {
  repository: 'cr.l5d.io/linkerd/tap',
  summary: 'Linkerd viz: the tap API and the webhook that lets proxies be tapped',
  entrypoint: ['/tap'],
  cmd: [],
  user: 0,
  env: { LINKERD_CONTAINER_VERSION_OVERRIDE: VERSION },
  workingDir: '/',
  hasShell: false,
  start(context) {
    const [first = ''] = context.argv;
    const inner = first.split('/').at(-1) === 'tap' ? { ...context, argv: context.argv.slice(1) } : context;
    switch (inner.argv[0]) {
      case 'api':
        return lazily(async () => (await import('#mesh/viz/tap.ts')).startTap(inner, { client: clientOf(inner) }));
      case 'injector':
        return lazily(async () =>
          (await import('#mesh/viz/injector.ts')).startTapInjector(inner, { client: clientOf(inner) }),
        );
      default:
        return undefined;
    }
  },
};

/** `cr.l5d.io/linkerd/metrics-api`: answers the viz extension's commands from Prometheus and the cluster's objects. */
export const metricsApiImage: Image = {
  repository: 'cr.l5d.io/linkerd/metrics-api',
  summary: 'Linkerd viz: the metrics API, which answers from Prometheus',
  entrypoint: ['/metrics-api'],
  cmd: [],
  user: 0,
  env: { LINKERD_CONTAINER_VERSION_OVERRIDE: VERSION },
  workingDir: '/',
  hasShell: false,
  start: (context) =>
    lazily(async () =>
      (await import('#mesh/viz/metrics-api/program.ts')).startMetricsApi(context, { client: clientOf(context) }),
    ),
};

/** `prom/prometheus`: scrapes pods by its configuration, keeps a while of it, and answers a part of the query language. */
export const prometheusImage: Image = {
  repository: 'prom/prometheus',
  summary: 'Prometheus, in small: scrapes pods and fixed targets, answers selectors, rates, sums and quantiles',
  entrypoint: ['/bin/prometheus'],
  cmd: ['--config.file=/etc/prometheus/prometheus.yml', '--storage.tsdb.path=/prometheus'],
  user: 65_534,
  workingDir: '/prometheus',
  hasShell: false,
  start: (context) =>
    lazily(async () =>
      (await import('#mesh/viz/prometheus/program.ts')).startPrometheus(context, { client: clientOf(context) }),
    ),
};

/** `cr.l5d.io/linkerd/proxy`: the sidecar, and what prepares and waits for it. */
export const proxyImage: Image = {
  repository: 'cr.l5d.io/linkerd/proxy',
  summary: 'Linkerd proxy: the sidecar, linkerd-init and linkerd-await',
  entrypoint: ['/usr/lib/linkerd/linkerd2-proxy-identity'],
  cmd: [],
  user: 2102,
  env: {
    LINKERD_CONTAINER_VERSION_OVERRIDE: VERSION,
    LINKERD2_PROXY_LOG: 'warn,linkerd=info',
    LINKERD2_PROXY_LOG_FORMAT: 'plain',
  },
  workingDir: '/',
  hasShell: false,
  start(context) {
    switch (context.argv[0]?.split('/').at(-1)) {
      case 'linkerd2-proxy-identity':
      case 'proxy-identity':
      case 'linkerd2-proxy':
        return lazily(async () => {
          const [{ startProxy }, { createPolicySource }, { createDiscovery }, { ReconnectingChannel }] =
            await Promise.all([
              import('#mesh/proxy/proxy.ts'),
              import('#mesh/policy/source.ts'),
              import('#mesh/destination/client.ts'),
              import('#mesh/policy/reconnect.ts'),
            ]);
          const { clock } = context;
          return startProxy(context, ({ workload, context: token }, links) => {
            const channel = new ReconnectingChannel(links.policy, clock);
            return {
              policies: createPolicySource({ channel, workload }),
              discovery: createDiscovery({
                destination: links.destination,
                policy: channel,
                clock,
                context: token,
                workload,
              }),
            };
          });
        });
      case 'linkerd2-proxy-init':
      case 'proxy-init':
        return startProxyInit(context);
      case 'linkerd2-network-validator':
        return startNetworkValidator(context);
      case 'linkerd-await':
        return startAwait(context);
      case 'sleep': {
        const timer = new AbortController();
        const seconds = Number(context.argv[1] ?? 0);
        return {
          exited: context.clock.sleep(seconds * 1000, timer.signal).then(
            () => 0,
            () => 143,
          ),
          kill: () => timer.abort(),
        };
      }
      default:
        return undefined;
    }
  },
};
