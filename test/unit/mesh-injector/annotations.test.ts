/* biome-ignore-all lint/suspicious/noExplicitAny: pods are plain JSON. */
import { describe, expect, it } from 'vitest';
import { applyInjection, injectionPatch, opaquePortsFor } from '#mesh/injector/patch.ts';
import { skipReasons } from '#mesh/injector/skip.ts';
import { defaultValues } from '#mesh/install/default-values.ts';

const CONFIG = 'config.linkerd.io/';

interface Wish {
  annotations?: Record<string, string>;
  namespace?: Record<string, string>;
  container?: object;
  values?: (values: any) => void;
}

/** A pod of one container, injected by the webhook. */
function injected({ annotations = {}, namespace = {}, container = {}, values: change }: Wish): any {
  const pod = {
    metadata: { name: 'p', annotations },
    spec: { containers: [{ name: 'app', image: 'app', ...container }] },
  };
  const values = defaultValues();
  change?.(values);
  return applyInjection(
    pod as any,
    injectionPatch({
      pod: pod as any,
      namespace: 'shop',
      namespaceAnnotations: namespace,
      values,
      anchors: 'PEM',
      controlPlaneNamespace: 'linkerd',
      createdBy: 'linkerd/proxy-injector edge-26.8.3',
      byWebhook: true,
    }),
  );
}

const containers = ({ spec }: any): any[] => [...spec.initContainers, ...spec.containers];
const proxy = (pod: any): any => containers(pod).find(({ name }) => name === 'linkerd-proxy');
const env = (pod: any, name: string): string | undefined =>
  proxy(pod).env.find((each: any) => each.name === `LINKERD2_PROXY_${name}`)?.value;
const argument = (pod: any, name: string): string | undefined => {
  const { args } = pod.spec.initContainers.find((each: any) => each.name === 'linkerd-init');
  const at = args.indexOf(name);
  return at < 0 ? undefined : args[at + 1];
};

describe('an annotation of config.linkerd.io', () => {
  it.each([
    ['proxy-log-level', 'debug', 'LOG', 'debug,[{headers}]=off,[{request}]=off'],
    ['proxy-log-http-headers', 'insecure', 'LOG', 'warn,linkerd=info,hickory=error'],
    ['proxy-outbound-connect-timeout', '3s', 'OUTBOUND_CONNECT_TIMEOUT', '3000ms'],
    ['proxy-inbound-discovery-cache-unused-timeout', '2m', 'INBOUND_DISCOVERY_IDLE_TIMEOUT', '120s'],
    ['shutdown-grace-period', '90s', 'SHUTDOWN_GRACE_PERIOD', '90000ms'],
    ['access-log', 'json', 'ACCESS_LOG', 'json'],
    ['proxy-admin-shutdown', 'enabled', 'SHUTDOWN_ENDPOINT_ENABLED', 'true'],
    ['proxy-cpu-limit', '1500m', 'CORES_MAX', '2'],
    ['proxy-disable-inbound-protocol-detect-timeout', 'true', 'INBOUND_DETECT_TIMEOUT', '365d'],
    ['enable-gateway', 'true', 'INBOUND_GATEWAY_SUFFIXES', 'svc.cluster.local.'],
    ['enable-external-profiles', 'true', 'DESTINATION_PROFILE_SUFFIXES', '.'],
    ['opaque-ports', 'db,80-90,nonsense', 'INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION', '3306,80-90'],
    ['default-inbound-policy', 'nonsense', 'INBOUND_DEFAULT_POLICY', 'all-unauthenticated'],
    ['proxy-additional-env', '[{"name":"LINKERD2_PROXY_X","value":"y"}]', 'X', 'y'],
  ])('%s: %s sets %s', (name, value, variable, expected) => {
    const pod = injected({
      annotations: { [CONFIG + name]: value },
      container: { ports: [{ containerPort: 3306, name: 'db' }] },
    });
    expect(env(pod, variable)).toBe(expected);
  });

  it.each([
    ['skip-outbound-ports', '3306,4000-4010', '--outbound-ports-to-ignore', '3306,4000-4010'],
    ['skip-inbound-ports', '25', '--inbound-ports-to-ignore', '4190,4191,25'],
    ['skip-subnets', '10.0.0.0/8', '--subnets-to-ignore', '10.0.0.0/8'],
    ['proxy-gid', '77', '--proxy-gid', '77'],
  ])('%s: %s is told to linkerd-init', (name, value, flag, expected) => {
    expect(argument(injected({ annotations: { [CONFIG + name]: value } }), flag)).toBe(expected);
  });

  it('of the namespace holds for pods without one, if it is one that is handed down', () => {
    const namespace = {
      'linkerd.io/inject': 'enabled',
      [`${CONFIG}proxy-log-level`]: 'debug',
      [`${CONFIG}access-log`]: 'apache',
      [`${CONFIG}close-wait-timeout`]: '30s',
    };
    const pod = injected({ namespace, annotations: { [`${CONFIG}access-log`]: 'json' } });
    expect(pod.metadata.annotations).toMatchObject({
      'linkerd.io/inject': 'enabled',
      [`${CONFIG}proxy-log-level`]: 'debug',
      [`${CONFIG}access-log`]: 'json',
    });
    expect(pod.metadata.annotations).not.toHaveProperty(`${CONFIG}close-wait-timeout`);
    expect(env(pod, 'ACCESS_LOG')).toBe('json');
  });

  it('asks for a debug container, a proxy among the containers, or a pause before it ends', () => {
    const debug = injected({ annotations: { [`${CONFIG}enable-debug-sidecar`]: 'true' } });
    expect(debug.spec.containers.map(({ name }: any) => name)).toEqual(['app', 'linkerd-debug']);
    const beside = injected({
      annotations: {
        [`${CONFIG}proxy-enable-native-sidecar`]: 'false',
        'config.alpha.linkerd.io/proxy-wait-before-exit-seconds': '5',
      },
    });
    expect(beside.spec.containers.map(({ name }: any) => name)).toEqual(['linkerd-proxy', 'app']);
    expect(proxy(beside).lifecycle.preStop.exec.command).toEqual(['/bin/sleep', '5']);
    expect(proxy(injected({})).lifecycle).toBeUndefined();
  });

  it('close-wait-timeout wants linkerd-init to be root', () => {
    const annotations = { [`${CONFIG}close-wait-timeout`]: '1h' };
    expect(() => injected({ annotations })).toThrow('proxyInit.runAsRoot must be set');
    const asRoot = (values: any) => {
      values.proxyInit.runAsRoot = true;
    };
    expect(argument(injected({ annotations, values: asRoot }), '--timeout-close-wait-secs')).toBe('3600');
  });
});

describe('what a pod is like', () => {
  it('decides the ports that the proxy knows of: declared and probed ones, as texts in order', () => {
    const container = {
      ports: [{ containerPort: 9000 }, { containerPort: 53, protocol: 'UDP' }],
      readinessProbe: { httpGet: { port: 8080 } },
      livenessProbe: { httpGet: { port: 'named' } },
    };
    expect(env(injected({ container }), 'INBOUND_PORTS')).toBe('53,8080,9000');
  });

  it('writes down which of the default opaque ports it has, and leaves the others out', () => {
    const pod = injected({ container: { ports: [{ containerPort: 3306 }, { containerPort: 80 }] } });
    expect(pod.metadata.annotations[`${CONFIG}opaque-ports`]).toBe('3306');
    expect(env(pod, 'INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION')).toBe('3306');
    expect(opaquePortsFor({ containers: [{ name: 'web', ports: [{ containerPort: 80 }] }] }, '25,3306')).toBe('');
  });

  it('gives the capabilities and the token of its first container to what is added', () => {
    const pod = injected({
      container: {
        securityContext: { capabilities: { drop: ['ALL', 'NET_RAW'], add: ['CHOWN'] } },
        volumeMounts: [{ mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', name: 'tok', readOnly: true }],
      },
    });
    const [init] = pod.spec.initContainers;
    expect(init.securityContext.capabilities).toEqual({ add: ['NET_ADMIN', 'NET_RAW', 'CHOWN'], drop: ['ALL'] });
    expect(proxy(pod).securityContext.capabilities).toEqual({ add: ['CHOWN'], drop: ['ALL', 'NET_RAW'] });
    expect(proxy(pod).volumeMounts.at(-1).name).toBe('tok');
  });

  it('decides whether it is injected: a foreign sidecar keeps it out, a missing token does not', () => {
    const on = { 'linkerd.io/inject': 'enabled' };
    const of = (spec: object, annotations = {}, namespace: Record<string, string> = on) =>
      skipReasons({ metadata: { name: 'p', annotations }, spec } as any, namespace);
    expect(of({ containers: [{ name: 'istio-proxy' }] })).toEqual(['sidecar_already_exists']);
    expect(of({ containers: [], automountServiceAccountToken: false })).toEqual([]);
    expect(of({ containers: [] }, { 'linkerd.io/inject': 'yes' })).toEqual(['invalid_inject_annotation_at_workload']);
    expect(of({ containers: [] }, on, { 'linkerd.io/inject': 'yes' })).toEqual(['invalid_inject_annotation_at_ns']);
    expect(of({ containers: [] }, { 'linkerd.io/inject': 'disabled' }, {})).toEqual([
      'injection_enable_annotation_absent',
    ]);
  });
});

describe('ingress mode, and the CNI plugin', () => {
  it('are told to the proxy, and take the place of linkerd-init', () => {
    expect(env(injected({ annotations: { 'linkerd.io/inject': 'ingress' } }), 'INGRESS_MODE')).toBe('true');
    const pod = injected({
      values: (values) => {
        values.cniEnabled = true;
      },
    });
    expect(pod.spec.initContainers.map(({ name }: any) => name)).toEqual([
      'linkerd-network-validator',
      'linkerd-proxy',
    ]);
    expect(pod.spec.volumes.map(({ name }: any) => name)).toEqual([
      'linkerd-identity-end-entity',
      'linkerd-identity-token',
    ]);
  });
});
