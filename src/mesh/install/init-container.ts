import type { Container } from '#kube/api/pod-parts.ts';
import { imageOf, resources } from './container-parts.ts';
import type { ProxyOptions } from './proxy-options.ts';
import type { Values } from './values.ts';

const RESTRICTED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
};

/** Checks that the CNI plugin has led traffic to the proxy; in the place of linkerd-init where that plugin is used. */
export function networkValidator(values: Values): Container {
  const { proxy, networkValidator: own, disableIPv6 } = values;
  return {
    name: 'linkerd-network-validator',
    image: imageOf(proxy.image, values),
    imagePullPolicy: proxy.image.pullPolicy || values.imagePullPolicy,
    resources: resources(proxy.resources),
    ...(own.enableSecurityContext === false
      ? {}
      : {
          securityContext: own.securityContext ?? {
            ...RESTRICTED,
            runAsGroup: 65534,
            runAsUser: 65534,
            seccompProfile: { type: 'RuntimeDefault' },
          },
        }),
    command: ['/usr/lib/linkerd/linkerd2-network-validator'],
    args: [
      '--log-format',
      own.logFormat,
      '--log-level',
      own.logLevel,
      '--connect-addr',
      own.connectAddr || (disableIPv6 ? '1.1.1.1:20001' : '[fd00::1]:20001'),
      '--listen-addr',
      own.listenAddr || (disableIPv6 ? '0.0.0.0:4140' : '[::]:4140'),
      '--timeout',
      own.timeout,
    ],
  };
}

/** linkerd-init, or what stands in its place with the CNI plugin. The control plane leaves the ports of the API server alone. */
export function initContainer(
  values: Values,
  { capabilities, accountMount }: Pick<ProxyOptions, 'capabilities' | 'accountMount'> = {},
): Container {
  if (values.cniEnabled) return networkValidator(values);
  const { proxy, proxyInit } = values;
  const privileged = Boolean(proxyInit.privileged || proxyInit.closeWaitTimeoutSecs);
  const inbound = [proxy.ports.control, proxy.ports.admin, proxyInit.ignoreInboundPorts].filter((each) => each !== '');
  // Without these two nothing could be redirected.
  const drop = (capabilities?.drop ?? []).filter((each) => each !== 'NET_RAW' && each !== 'NET_ADMIN');
  return {
    args: [
      ...(proxyInit.iptablesMode === 'nft'
        ? ['--firewall-bin-path', 'iptables-nft', '--firewall-save-bin-path', 'iptables-nft-save']
        : []),
      ...(values.disableIPv6 ? ['--ipv6=false'] : []),
      '--incoming-proxy-port',
      String(proxy.ports.inbound),
      '--outgoing-proxy-port',
      String(proxy.ports.outbound),
      '--proxy-uid',
      String(proxy.uid),
      ...(proxy.gid >= 0 ? ['--proxy-gid', String(proxy.gid)] : []),
      '--inbound-ports-to-ignore',
      inbound.join(','),
      ...flag('--outbound-ports-to-ignore', proxyInit.ignoreOutboundPorts),
      ...flag('--timeout-close-wait-secs', proxyInit.closeWaitTimeoutSecs),
      ...flag('--log-format', proxyInit.logFormat),
      ...flag('--log-level', proxyInit.logLevel),
      ...flag('--subnets-to-ignore', proxyInit.skipSubnets),
    ],
    image: imageOf(proxy.image, values),
    command: ['/usr/lib/linkerd/linkerd2-proxy-init'],
    imagePullPolicy: proxy.image.pullPolicy || values.imagePullPolicy,
    name: 'linkerd-init',
    resources: resources(proxy.resources),
    securityContext: {
      allowPrivilegeEscalation: privileged,
      capabilities: {
        add: ['NET_ADMIN', 'NET_RAW', ...(capabilities?.add ?? [])],
        ...(drop.length > 0 ? { drop } : {}),
      },
      privileged,
      runAsNonRoot: !proxyInit.runAsRoot,
      runAsUser: proxyInit.runAsRoot ? 0 : proxyInit.runAsUser || 65534,
      runAsGroup: proxyInit.runAsRoot ? 0 : proxyInit.runAsGroup || 65534,
      readOnlyRootFilesystem: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { mountPath: proxyInit.xtMountPath.mountPath, name: proxyInit.xtMountPath.name },
      ...(accountMount ? [accountMount] : []),
    ],
  };
}

const flag = (name: string, value: unknown): string[] => (value ? [name, String(value)] : []);
