import type { KubeObject } from '#kube/api/types.ts';

// biome-ignore lint/suspicious/noExplicitAny: pod specs are plain JSON.
type Container = any;

const containersOf = (pod: KubeObject): Container[] => [
  ...(pod.spec?.initContainers ?? []),
  ...(pod.spec?.containers ?? []),
];

/** Numbers of the container ports with this name, in all containers; of an ExternalWorkload, its own ports. */
export function portsNamed(pod: KubeObject, name: string): number[] {
  const found = new Set<number>();
  if (pod.kind === 'ExternalWorkload') {
    for (const port of pod.spec?.ports ?? []) {
      if (port.name === name && (port.protocol ?? 'TCP') === 'TCP') found.add(port.port);
    }
    return [...found];
  }
  for (const container of containersOf(pod)) {
    for (const port of container.ports ?? []) {
      if (port.name === name && (port.protocol ?? 'TCP') === 'TCP') found.add(port.containerPort);
    }
  }
  return [...found];
}

/** Whether a port of a Server or of a probe, a number or a name, means this port of the pod. */
export function meansPort(pod: KubeObject, wanted: number | string, port: number): boolean {
  if (typeof wanted === 'number') return wanted === port;
  return /^\d+$/.test(wanted) ? Number(wanted) === port : portsNamed(pod, wanted).includes(port);
}

/** Paths of the HTTP probes on a port, without query, each once. */
export function probePaths(pod: KubeObject, port: number): string[] {
  const paths = new Set<string>();
  for (const container of containersOf(pod)) {
    for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
      const http = probe?.httpGet;
      if (!http || !meansPort({ ...pod, spec: { containers: [container] } }, http.port, port)) continue;
      const path = (http.path ?? '/').split('?')[0] || '/';
      paths.add(path.startsWith('/') ? path : `/${path}`);
    }
  }
  return [...paths].sort();
}

/** Reads a list of ports and ranges (`25,8000-8010`, names of container ports); what can't be read is left out. */
export function inPortList(list: string, port: number, pod?: KubeObject): boolean {
  return list.split(',').some((raw) => {
    const entry = raw.trim();
    const range = /^(\d+)(?:-(\d+))?$/.exec(entry);
    if (range) return port >= Number(range[1]) && port <= Number(range[2] ?? range[1]);
    return entry !== '' && pod !== undefined && portsNamed(pod, entry).includes(port);
  });
}
