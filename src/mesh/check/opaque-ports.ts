import type { KubeObject } from '#kube/api/types.ts';
import { CORE, type World } from './world.ts';

const OPAQUE = 'config.linkerd.io/opaque-ports';

interface ServicePort {
  port: number;
  targetPort?: number | string;
}
interface ContainerPort {
  containerPort: number;
  name?: string;
}

/** A port must be opaque both for the Service and for the pods behind it, or clients and servers disagree. */
export async function opaquePortsAgree(world: World): Promise<void> {
  const [services, endpoints, pods] = await Promise.all(
    ['services', 'endpoints', 'pods'].map((resource) => world.list(CORE(resource, world.dataPlane))),
  );
  const key = ({ metadata }: KubeObject) => `${metadata.namespace}/${metadata.name}`;
  const podsByName = new Map(pods!.map((pod) => [key(pod), pod]));
  const endpointsByName = new Map(endpoints!.map((each) => [key(each), each]));
  const wrong: string[] = [];
  for (const service of services!) {
    if (service.spec?.clusterIP === 'None') continue;
    const behind = new Set<KubeObject>();
    for (const { addresses = [] } of endpointsByName.get(key(service))?.['subsets'] ?? [])
      for (const { targetRef } of addresses) {
        const pod = targetRef?.kind === 'Pod' && podsByName.get(`${service.metadata.namespace}/${targetRef.name}`);
        if (pod) behind.add(pod);
      }
    for (const pod of behind) wrong.push(...(disagreement(service, pod) ?? []));
  }
  if (wrong.length > 0) throw new Error(wrong.map((line) => `\t* ${line}`).join('\n    '));
}

/** The first thing in which a Service and a pod differ; undefined when they agree. */
function disagreement(service: KubeObject, pod: KubeObject): string[] | undefined {
  const split = ({ metadata }: KubeObject) => metadata.annotations?.[OPAQUE]?.split(',') ?? [];
  const [forService, forPod] = [split(service), split(pod)];
  const name = service.metadata.name!;
  const ports: ServicePort[] = service.spec?.ports ?? [];
  const declared: ContainerPort[] = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].flatMap(
    (container) => container.ports ?? [],
  );
  for (const text of [...forService, ...forPod])
    if (!/^[+-]?\d+$/.test(text)) return [`failed to convert ${text} to port number for pod ${pod.metadata.name}`];
  for (const text of forService) {
    const served = ports.find(({ port }) => port === Number(text));
    const container = served && declared.find((each) => meant(served, each));
    if (!served || !container) continue;
    const target = String(typeof served.targetPort === 'string' ? container.containerPort : served.targetPort);
    if (!forPod.includes(target))
      return [
        `service ${name} expects target port ${target} to be opaque; add it to pod ${pod.metadata.name} ${OPAQUE} annotation`,
      ];
  }
  for (const text of forPod) {
    if (forService.includes(text)) continue;
    const port = Number(text);
    const direct = ports.find(({ targetPort }) => targetPort === port);
    if (direct) {
      if (forService.includes(String(direct.port))) continue;
      return [
        `service ${name} targets the opaque port ${port} through ${direct.port}; add ${direct.port} to its ${OPAQUE} annotation`,
      ];
    }
    const container = declared.find(({ containerPort }) => containerPort === port);
    const named = container?.name && ports.find(({ targetPort }) => targetPort === container.name);
    if (named && !forService.includes(String(named.port)))
      return [
        `service ${name} targets the opaque port ${container.name} through ${named.port}; add ${named.port} to its ${OPAQUE} annotation`,
      ];
  }
  return undefined;
}

const meant = ({ targetPort }: ServicePort, { containerPort, name }: ContainerPort): boolean =>
  targetPort === containerPort || (name !== undefined && targetPort === name);
