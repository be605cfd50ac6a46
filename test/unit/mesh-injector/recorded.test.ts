import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Volume } from '#kube/api/pod-parts.ts';
import { applyInjection, injectionPatch } from '#mesh/injector/patch.ts';
import { skipReasons } from '#mesh/injector/skip.ts';
import { defaultValues } from '#mesh/install/default-values.ts';

const RECORDED = new URL('../../../../shared/facts/recordings/meshed-pod-yaml.txt', import.meta.url);

/** The app container's token mount, as the API server's own admission leaves it before webhooks run. */
const plainPod = () => ({
  metadata: {
    name: 'web',
    namespace: 'fid',
    labels: { app: 'web' },
    annotations: { 'linkerd.io/inject': 'enabled' } as Record<string, string>,
  },
  spec: {
    containers: [
      {
        name: 'http-echo',
        image: 'hashicorp/http-echo:1.0',
        ports: [{ containerPort: 8080, name: 'http', protocol: 'TCP' }],
        volumeMounts: [
          { mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', name: 'kube-api-access-zjzhn', readOnly: true },
        ],
      },
    ],
    volumes: [] as Volume[],
  },
});

const inject = (pod: ReturnType<typeof plainPod>, anchors = 'PEM', namespaceAnnotations = {}) =>
  applyInjection(
    pod,
    injectionPatch({
      pod,
      namespace: 'fid',
      namespaceAnnotations,
      values: defaultValues(),
      anchors,
      controlPlaneNamespace: 'linkerd',
      createdBy: 'linkerd/proxy-injector edge-26.8.3',
    }),
    // biome-ignore lint/suspicious/noExplicitAny: a pod is plain JSON.
  ) as any;

/** What the API server fills in is not the injector's. */
// biome-ignore lint/suspicious/noExplicitAny: a container is plain JSON.
function withoutDefaults(container: any): any {
  const copy = structuredClone(container);
  delete copy.terminationMessagePath;
  if (copy.resources && Object.keys(copy.resources).length === 0) delete copy.resources;
  for (const port of copy.ports ?? []) delete port.protocol;
  for (const each of copy.env ?? []) if (each.valueFrom?.fieldRef) delete each.valueFrom.fieldRef.apiVersion;
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    if (!copy[probe]) continue;
    const { httpGet, initialDelaySeconds = 0, failureThreshold = 3, timeoutSeconds = 1 } = copy[probe];
    copy[probe] = { path: httpGet.path, port: httpGet.port, initialDelaySeconds, failureThreshold, timeoutSeconds };
  }
  return copy;
}

describe('the injector', () => {
  const there = existsSync(RECORDED);
  it.skipIf(!there)('makes the pod that the real one made', () => {
    const text = readFileSync(RECORDED, 'utf8');
    const recorded = parse(text.slice(text.indexOf('\n') + 1, text.lastIndexOf('--- exit')));
    const anchors = recorded.spec.initContainers[1].env.find((each: { name: string }) =>
      each.name.endsWith('TRUST_ANCHORS'),
    ).value;
    const made = inject(plainPod(), anchors.trim());
    expect(made.spec.initContainers.map(withoutDefaults)).toEqual(recorded.spec.initContainers.map(withoutDefaults));
    expect(made.metadata.labels).toEqual(recorded.metadata.labels);
    expect(made.metadata.annotations['linkerd.io/trust-root-sha256']).toBe(
      recorded.metadata.annotations['linkerd.io/trust-root-sha256'],
    );
    expect(made.spec.volumes.map(({ name }: { name: string }) => name)).toEqual(
      recorded.spec.volumes.slice(1).map(({ name }: { name: string }) => name),
    );
  });
  if (!there) console.warn('skipped: the recordings are not beside this repository');

  it('follows annotations of the pod and of its namespace', () => {
    const pod = plainPod();
    pod.metadata.annotations['config.linkerd.io/skip-inbound-ports'] = '25';
    pod.metadata.annotations['config.linkerd.io/proxy-log-level'] = 'debug';
    pod.metadata.annotations['config.linkerd.io/proxy-additional-env'] =
      '[{"name":"LINKERD2_PROXY_IDENTITY_MAX_REFRESH","value":"20s"}]';
    const made = inject(pod, 'PEM', {
      'config.linkerd.io/default-inbound-policy': 'deny',
      'linkerd.io/inject': 'enabled',
    });
    const [init, proxy] = made.spec.initContainers;
    const env = Object.fromEntries(proxy.env.map(({ name, value }: { name: string; value: string }) => [name, value]));
    expect(init.args.join(' ')).toContain('--inbound-ports-to-ignore 4190,4191,25 ');
    expect(env.LINKERD2_PROXY_LOG).toBe('debug,[{headers}]=off,[{request}]=off');
    expect(env.LINKERD2_PROXY_INBOUND_DEFAULT_POLICY).toBe('deny');
    expect(env.LINKERD2_PROXY_IDENTITY_MAX_REFRESH).toBe('20s');
    expect(made.metadata.annotations['config.linkerd.io/default-inbound-policy']).toBe('deny');
  });

  it('puts the proxy among the containers when native sidecars are off', () => {
    const pod = plainPod();
    pod.metadata.annotations['config.linkerd.io/proxy-enable-native-sidecar'] = 'false';
    const made = inject(pod);
    expect(made.spec.containers[0].name).toBe('linkerd-proxy');
    expect(made.spec.containers[0].restartPolicy).toBeUndefined();
    expect(made.spec.initContainers).toHaveLength(1);
  });

  it('leaves pods alone for the reasons it names', () => {
    const pod = plainPod();
    expect(skipReasons(pod as never, {})).toEqual([]);
    pod.metadata.annotations = {};
    expect(skipReasons(pod as never, {})).toEqual(['injection_enable_annotation_absent']);
    expect(skipReasons(pod as never, { 'linkerd.io/inject': 'enabled' })).toEqual([]);
    pod.metadata.annotations = { 'linkerd.io/inject': 'disabled' };
    expect(skipReasons(pod as never, { 'linkerd.io/inject': 'enabled' })).toEqual([
      'injection_disable_annotation_present',
    ]);
  });
});
