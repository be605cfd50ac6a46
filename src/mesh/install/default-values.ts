import type { Values } from './values.ts';

/** The chart's defaults, a new tree each time. */
export const defaultValues = (): Values => ({
  cliVersion: 'linkerd/cli edge-26.8.3',
  clusterDomain: 'cluster.local',
  clusterNetworks: '10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,fd00::/8',
  cniEnabled: false,
  controller: {
    podDisruptionBudget: {
      maxUnavailable: '1',
    },
    tracing: {
      collector: {
        endpoint: '',
        meshIdentity: null,
      },
      enabled: false,
      labels: null,
      protocol: '',
      traceServiceName: '',
    },
  },
  controllerGID: -1,
  controllerImage: 'cr.l5d.io/linkerd/controller',
  controllerLogFormat: 'plain',
  controllerLogLevel: 'info',
  controllerReplicas: 1,
  controllerUID: 2103,
  debugContainer: {
    image: {
      name: 'cr.l5d.io/linkerd/debug',
      pullPolicy: '',
      version: 'edge-26.8.3',
    },
  },
  deploymentStrategy: {
    rollingUpdate: {
      maxSurge: '25%',
      maxUnavailable: '25%',
    },
  },
  destinationController: {
    meshedHttp2ClientProtobuf: {
      keep_alive: {
        interval: {
          seconds: 10,
        },
        timeout: {
          seconds: 3,
        },
        while_idle: true,
      },
    },
    podAnnotations: {},
  },
  destinationProxyResources: null,
  destinationResources: null,
  disableHeartBeat: false,
  disableIPv6: true,
  egress: {
    globalEgressNetworkNamespace: 'linkerd-egress',
  },
  enableEndpointSlices: true,
  enableH2Upgrade: true,
  enablePodAntiAffinity: false,
  enablePodDisruptionBudget: false,
  heartbeat: null,
  heartbeatResources: null,
  heartbeatSchedule: '',
  highAvailability: false,
  identity: {
    additionalEnv: null,
    experimentalEnv: null,
    externalCA: false,
    issuer: {
      clockSkewAllowance: '20s',
      issuanceLifetime: '24h0m0s',
      scheme: 'linkerd.io/tls',
      tls: {
        crtPEM: '',
      },
    },
    kubeAPI: {
      clientBurst: 200,
      clientQPS: 100,
    },
    podAnnotations: {},
    serviceAccountTokenProjection: true,
  },
  identityProxyResources: null,
  identityResources: null,
  identityTrustAnchorsPEM: '',
  identityTrustDomain: 'cluster.local',
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: [],
  linkerdVersion: 'edge-26.8.3',
  networkValidator: {
    connectAddr: '',
    listenAddr: '',
    logFormat: 'plain',
    logLevel: 'debug',
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: {
        drop: ['ALL'],
      },
      readOnlyRootFilesystem: true,
      runAsGroup: 65534,
      runAsNonRoot: true,
      runAsUser: 65534,
      seccompProfile: {
        type: 'RuntimeDefault',
      },
    },
    timeout: '10s',
  },
  nodeAffinity: null,
  nodeSelector: {
    'kubernetes.io/os': 'linux',
  },
  podAnnotations: {},
  podLabels: {},
  podMonitor: {
    controller: {
      enabled: true,
      honorTimestamps: false,
      namespaceSelector: 'matchNames:\n  - {{ .Release.Namespace }}\n  - linkerd-viz\n',
    },
    enabled: false,
    proxy: {
      enabled: true,
      honorTimestamps: false,
    },
    scrapeInterval: '10s',
    scrapeTimeout: '10s',
    serviceMirror: {
      enabled: true,
      honorTimestamps: false,
    },
  },
  policyController: {
    logLevel: 'info',
    probeNetworks: ['0.0.0.0/0', '::/0'],
    resources: {
      cpu: {
        limit: '',
        request: '',
      },
      'ephemeral-storage': {
        limit: '',
        request: '',
      },
      memory: {
        limit: '',
        request: '',
      },
    },
  },
  policyValidator: {
    caBundle: '',
    crtPEM: '',
    externalSecret: false,
    injectCaFrom: '',
    injectCaFromSecret: '',
    namespaceSelector: {
      matchExpressions: [
        {
          key: 'config.linkerd.io/admission-webhooks',
          operator: 'NotIn',
          values: ['disabled'],
        },
      ],
    },
  },
  priorityClassName: '',
  profileValidator: {
    caBundle: '',
    crtPEM: '',
    externalSecret: false,
    injectCaFrom: '',
    injectCaFromSecret: '',
    namespaceSelector: {
      matchExpressions: [
        {
          key: 'config.linkerd.io/admission-webhooks',
          operator: 'NotIn',
          values: ['disabled'],
        },
      ],
    },
  },
  prometheusUrl: '',
  proxy: {
    accessLog: '',
    additionalEnv: null,
    await: true,
    capabilities: null,
    control: {
      streams: {
        idleTimeout: '5m',
        initialTimeout: '3s',
        lifetime: '1h',
      },
    },
    defaultInboundPolicy: 'all-unauthenticated',
    disableInboundProtocolDetectTimeout: false,
    disableOutboundProtocolDetectTimeout: false,
    enableExternalProfiles: false,
    enableShutdownEndpoint: false,
    experimentalEnv: null,
    gid: -1,
    image: {
      name: 'cr.l5d.io/linkerd/proxy',
      pullPolicy: '',
      version: '',
    },
    inbound: {
      server: {
        http2: {
          keepAliveInterval: '10s',
          keepAliveTimeout: '3s',
        },
      },
    },
    inboundConnectTimeout: '100ms',
    inboundDiscoveryCacheUnusedTimeout: '90s',
    isGateway: false,
    isIngress: false,
    livenessProbe: {
      initialDelaySeconds: 10,
      timeoutSeconds: 1,
    },
    logFormat: 'plain',
    logHTTPHeaders: 'off',
    logLevel: 'warn,linkerd=info,hickory=error',
    metrics: {
      hostnameLabels: false,
    },
    nativeSidecar: true,
    opaquePorts: '25,587,3306,4444,5432,6379,9300,11211',
    outbound: {
      server: {
        http2: {
          keepAliveInterval: '10s',
          keepAliveTimeout: '3s',
        },
      },
    },
    outboundConnectTimeout: '1000ms',
    outboundDiscoveryCacheUnusedTimeout: '5s',
    outboundTransportMode: 'transport-header',
    podInboundPorts: '',
    ports: {
      admin: 4191,
      control: 4190,
      inbound: 4143,
      outbound: 4140,
    },
    readinessProbe: {
      initialDelaySeconds: 2,
      timeoutSeconds: 1,
    },
    requireIdentityOnInboundPorts: '',
    resources: {
      cpu: {
        limit: '',
        request: '',
      },
      'ephemeral-storage': {
        limit: '',
        request: '',
      },
      memory: {
        limit: '',
        request: '',
      },
    },
    runtime: {
      workers: {
        minimum: 1,
      },
    },
    saMountPath: null,
    securityContext: {},
    shutdownGracePeriod: '',
    startupProbe: {
      failureThreshold: 120,
      initialDelaySeconds: 0,
      periodSeconds: 1,
    },
    tracing: {
      collector: {
        endpoint: '',
        meshIdentity: {
          namespace: '',
          serviceAccountName: '',
        },
      },
      enabled: false,
      labels: {
        'k8s.container.name': '$(_pod_containerName)',
        'k8s.pod.ip': '$(_pod_ip)',
        'k8s.pod.uid': '$(_pod_uid)',
      },
      protocol: '',
      traceServiceName: 'linkerd-proxy',
    },
    uid: 2102,
    waitBeforeExitSeconds: 0,
  },
  proxyContainerName: 'linkerd-proxy',
  proxyInit: {
    capabilities: null,
    closeWaitTimeoutSecs: 0,
    ignoreInboundPorts: '4567,4568',
    ignoreOutboundPorts: '4567,4568',
    iptablesMode: 'nft',
    kubeAPIServerPorts: '443,6443',
    logFormat: '',
    logLevel: '',
    privileged: false,
    resources: null,
    runAsGroup: 65534,
    runAsRoot: false,
    runAsUser: 65534,
    saMountPath: null,
    skipSubnets: '',
    xtMountPath: {
      mountPath: '/run',
      name: 'linkerd-proxy-init-xtables-lock',
      readOnly: false,
    },
  },
  proxyInjector: {
    additionalEnv: null,
    caBundle: '',
    crtPEM: '',
    experimentalEnv: null,
    externalSecret: false,
    injectCaFrom: '',
    injectCaFromSecret: '',
    namespaceSelector: {
      matchExpressions: [
        {
          key: 'config.linkerd.io/admission-webhooks',
          operator: 'NotIn',
          values: ['disabled'],
        },
        {
          key: 'kubernetes.io/metadata.name',
          operator: 'NotIn',
          values: ['kube-system', 'cert-manager'],
        },
      ],
    },
    podAnnotations: {},
  },
  proxyInjectorProxyResources: null,
  proxyInjectorResources: null,
  revisionHistoryLimit: 10,
  spValidator: {
    livenessProbe: {
      timeoutSeconds: 1,
    },
    readinessProbe: {
      timeoutSeconds: 1,
    },
  },
  tolerations: null,
  webhookFailurePolicy: 'Ignore',
});
