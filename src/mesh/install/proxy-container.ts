import type { Capabilities, Container } from '#kube/api/pod-parts.ts';
import { imageOf, resources } from './container-parts.ts';
import { proxyEnvironment } from './proxy-environment.ts';
import type { ProxyOptions } from './proxy-options.ts';
import type { Values } from './values.ts';

/** The chart's values as the control plane's own proxies take them. */
export function controlPlaneValues(values: Values): Values {
  return {
    ...values,
    proxy: {
      ...values['proxy'],
      // What was chosen for workloads does not hold here: everybody must reach the control plane.
      defaultInboundPolicy: 'all-unauthenticated',
      outboundDiscoveryCacheUnusedTimeout: '5s',
      inboundDiscoveryCacheUnusedTimeout: '90s',
      waitBeforeExitSeconds: 0,
    },
    proxyInit: { ...values['proxyInit'], ignoreOutboundPorts: values['proxyInit'].kubeAPIServerPorts },
  };
}

function capabilitiesOf({ add = [], drop = [] }: Capabilities): { capabilities?: Capabilities } {
  const capabilities = { ...(add.length > 0 ? { add } : {}), ...(drop.length > 0 ? { drop } : {}) };
  return Object.keys(capabilities).length > 0 ? { capabilities } : {};
}

/** The proxy's container (partials/_proxy.tpl), for the control plane and for workloads. */
export function proxyContainer(options: ProxyOptions): Container {
  const { values, local, anchors, accountMount } = options;
  const { proxy } = values;
  const { ports } = proxy;
  // identity cannot wait for a proxy that waits for identity.
  const native = proxy.nativeSidecar && local !== 'identity';
  const waits = proxy.await && local !== 'identity';
  const lifecycle = {
    ...(waits
      ? {
          postStart: {
            exec: { command: ['/usr/lib/linkerd/linkerd-await', '--timeout=2m', `--port=${ports.admin}`] },
          },
        }
      : {}),
    ...(proxy.waitBeforeExitSeconds
      ? { preStop: { exec: { command: ['/bin/sleep', String(proxy.waitBeforeExitSeconds)] } } }
      : {}),
  };
  return {
    env: proxyEnvironment(options),
    image: imageOf(proxy.image, values),
    imagePullPolicy: proxy.image.pullPolicy || values.imagePullPolicy,
    livenessProbe: { httpGet: { path: '/live', port: ports.admin }, ...proxy.livenessProbe },
    name: 'linkerd-proxy',
    ports: [
      { containerPort: ports.inbound, name: 'linkerd-proxy' },
      { containerPort: ports.admin, name: 'linkerd-admin' },
    ],
    readinessProbe: { httpGet: { path: '/ready', port: ports.admin }, ...proxy.readinessProbe },
    ...(native && waits
      ? { startupProbe: { httpGet: { path: '/ready', port: ports.admin }, ...proxy.startupProbe } }
      : {}),
    resources: resources(proxy.resources),
    securityContext:
      Object.keys(proxy.securityContext ?? {}).length > 0
        ? structuredClone(proxy.securityContext)
        : {
            allowPrivilegeEscalation: false,
            ...capabilitiesOf(options.capabilities ?? (anchors === undefined ? { drop: ['ALL'] } : {})),
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
            runAsUser: proxy.uid,
            ...(proxy.gid >= 0 ? { runAsGroup: proxy.gid } : {}),
            seccompProfile: { type: 'RuntimeDefault' },
          },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...(!native && Object.keys(lifecycle).length > 0 ? { lifecycle } : {}),
    volumeMounts: [
      { mountPath: '/var/run/linkerd/identity/end-entity', name: 'linkerd-identity-end-entity' },
      { mountPath: '/var/run/secrets/tokens', name: 'linkerd-identity-token' },
      ...(accountMount ? [accountMount] : []),
    ],
    ...(native ? { restartPolicy: 'Always' } : {}),
  };
}
