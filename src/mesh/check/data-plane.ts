import type { KubeObject } from '#kube/api/types.ts';
import { selects } from '#mesh/policy/core/selectors.ts';
import type { Category } from './runner.ts';
import { bullets, CORE, proxyOf, statusOf, type World } from './world.ts';

const label = (pod: KubeObject): string => `${pod.metadata.namespace}/${pod.metadata.name}`;

const workloads = async (world: World): Promise<KubeObject[]> =>
  (await world.dataPlanePods()).filter((pod) => proxyOf(pod));

/** Labels and annotations that people put on the wrong thing. */
const POD_ONLY = ['linkerd.io/inject'];

export const dataPlane: Category<World> = {
  name: 'linkerd-data-plane',
  checks: [
    {
      description: 'data plane namespace exists',
      hint: 'l5d-data-plane-exists',
      fatal: true,
      run: async (world) => {
        if (world.dataPlane && !(await world.find(CORE('namespaces'), world.dataPlane))) {
          throw new Error(`The "${world.dataPlane}" namespace does not exist`);
        }
      },
    },
    {
      description: 'data plane proxies are ready',
      hint: 'l5d-data-plane-ready',
      fatal: true,
      retry: true,
      run: async (world) => {
        const pods = (
          await world.list(CORE('pods', world.dataPlane), `linkerd.io/control-plane-ns=${world.controlPlane}`)
        )
          .filter((pod) => proxyOf(pod))
          .filter((pod) => !['Succeeded', 'Failed'].includes(pod.status?.phase));
        if (pods.length === 0) {
          throw new Error(
            `No "linkerd-proxy" containers found${world.dataPlane ? ` in the "${world.dataPlane}" namespace` : ''}`,
          );
        }
        for (const pod of pods) {
          if (pod.status?.phase !== 'Running')
            throw new Error(`pod "${pod.metadata.name}" status is ${pod.status?.phase}`);
          if (!statusOf(pod, 'linkerd-proxy')?.ready)
            throw new Error(`container "linkerd-proxy" in pod "${label(pod)}" is not ready`);
        }
      },
    },
    {
      description: 'data plane is up-to-date',
      hint: 'l5d-data-plane-version',
      warning: true,
      run: async (world) => {
        if (!world.expectedVersion) throw new Error('unable to determine version channel');
        const old = await otherVersions(world, world.expectedVersion);
        if (old.length > 0) throw new Error(`some proxies are not running the current version:${bullets(old)}`);
      },
    },
    {
      description: 'data plane and cli versions match',
      hint: 'l5d-data-plane-cli-version',
      warning: true,
      run: async (world) => {
        const old = await otherVersions(world, world.cliVersion);
        if (old.length > 0) throw new Error(`${old[0]} but cli running ${world.cliVersion}`);
      },
    },
    {
      description: 'data plane pod labels are configured correctly',
      hint: 'l5d-data-plane-pod-labels',
      warning: true,
      run: async (world) => {
        const wrong = (await workloads(world)).flatMap((pod) =>
          Object.keys(pod.metadata.labels ?? {})
            .filter((key) => POD_ONLY.includes(key) || key.startsWith('config.linkerd.io/'))
            .map((key) => `${label(pod)}: ${key}`),
        );
        if (wrong.length > 0) throw new Error(`Some labels on data plane pods should be annotations:${bullets(wrong)}`);
      },
    },
    {
      description: 'data plane service labels are configured correctly',
      hint: 'l5d-data-plane-services-labels',
      warning: true,
      run: async (world) => {
        const wrong = (await world.list(CORE('services', world.dataPlane))).flatMap((service) =>
          Object.keys(service.metadata.labels ?? {})
            .filter((key) => POD_ONLY.includes(key) || key.startsWith('config.linkerd.io/'))
            .map((key) => `${label(service)}: ${key}`),
        );
        if (wrong.length > 0)
          throw new Error(`Some labels on data plane services should be annotations:${bullets(wrong)}`);
      },
    },
    {
      description: 'data plane service annotations are configured correctly',
      hint: 'l5d-data-plane-services-annotations',
      warning: true,
      run: async (world) => {
        const wrong = (await world.list(CORE('services', world.dataPlane))).flatMap((service) =>
          Object.keys(service.metadata.annotations ?? {})
            .filter((key) => key.startsWith('mirror.linkerd.io/exported'))
            .map((key) => `${label(service)}: ${key}`),
        );
        if (wrong.length > 0)
          throw new Error(`Some annotations on data plane services should be labels:${bullets(wrong)}`);
      },
    },
    {
      description: 'opaque ports are properly annotated',
      hint: 'linkerd-opaque-ports-definition',
      warning: true,
      run: opaquePortsAgree,
    },
  ],
};

const otherVersions = async (world: World, version: string): Promise<string[]> =>
  (await workloads(world))
    .filter((pod) => (pod.metadata.annotations?.['linkerd.io/proxy-version'] ?? '') !== version)
    .map((pod) => `${label(pod)} (${pod.metadata.annotations?.['linkerd.io/proxy-version'] ?? ''})`);

const OPAQUE = 'config.linkerd.io/opaque-ports';

/** A port must be opaque both for the Service and for the pods behind it, or clients and servers disagree. */
async function opaquePortsAgree(world: World): Promise<void> {
  const services = await world.list(CORE('services', world.dataPlane));
  const pods = await workloads(world);
  const wrong: string[] = [];
  for (const service of services) {
    if (!service.spec?.selector || service.metadata.namespace === world.controlPlane) continue;
    const annotated = (service.metadata.annotations?.[OPAQUE] ?? '').split(',').filter(Boolean);
    for (const pod of pods) {
      if (pod.metadata.namespace !== service.metadata.namespace) continue;
      if (!selects({ matchLabels: service.spec.selector }, pod.metadata.labels)) continue;
      const own = (pod.metadata.annotations?.[OPAQUE] ?? '').split(',').filter(Boolean);
      for (const port of service.spec.ports ?? []) {
        const target = String(port.targetPort ?? port.port);
        const forService = annotated.includes(String(port.port));
        const forPod = own.includes(target);
        if (forService && !forPod) {
          wrong.push(
            `service ${service.metadata.name} expects target port ${target} to be opaque; add it to pod ${pod.metadata.name} ${OPAQUE} annotation`,
          );
        } else if (forPod && !forService) {
          wrong.push(
            `pod ${pod.metadata.name} has opaque port ${target}; add it to service ${service.metadata.name} ${OPAQUE} annotation`,
          );
        }
      }
    }
  }
  if (wrong.length > 0) throw new Error(wrong.map((line) => `* ${line}`).join('\n'));
}
