import { formatLabels } from '../table.ts';
import type { Subject } from './kinds.ts';
import { endpointsText } from './network.ts';
import { header, labelsAndAnnotations } from './write.ts';

export async function describeService({ w, object, k }: Subject): Promise<void> {
  const { spec, status, metadata } = object;
  const slices = await k.client.list(
    { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', namespace: metadata.namespace! },
    { labelSelector: `kubernetes.io/service-name=${metadata.name}` },
  );
  header(w, object);
  labelsAndAnnotations(w, object);
  w.line(0, `Selector:\t${formatLabels(spec.selector)}`);
  w.line(0, `Type:\t${spec.type}`);
  if (spec.ipFamilyPolicy) w.line(0, `IP Family Policy:\t${spec.ipFamilyPolicy}`);
  w.line(0, `IP Families:\t${(spec.ipFamilies ?? []).join(',') || '<none>'}`);
  w.line(0, `IP:\t${spec.clusterIP ?? ''}`);
  w.line(0, `IPs:\t${(spec.clusterIPs ?? []).join(',') || '<none>'}`);
  if ((spec.externalIPs ?? []).length > 0) w.line(0, `External IPs:\t${spec.externalIPs.join(',')}`);
  if (spec.externalName) w.line(0, `External Name:\t${spec.externalName}`);
  const ingress: { ip?: string; hostname?: string }[] = status?.loadBalancer?.ingress ?? [];
  if (ingress.length > 0)
    w.line(0, `LoadBalancer Ingress:\t${ingress.map((each) => each.ip ?? each.hostname).join(', ')}`);
  for (const port of spec.ports ?? []) {
    const name = port.name || '<unset>';
    w.line(0, `Port:\t${name}\t${port.port}/${port.protocol}`);
    w.line(0, `TargetPort:\t${port.targetPort}/${port.protocol}`);
    if (port.nodePort) w.line(0, `NodePort:\t${name}\t${port.nodePort}/${port.protocol}`);
    w.line(0, `Endpoints:\t${endpointsText(slices.items, port.name ?? '')}`);
  }
  w.line(0, `Session Affinity:\t${spec.sessionAffinity ?? ''}`);
  if (spec.externalTrafficPolicy) w.line(0, `External Traffic Policy:\t${spec.externalTrafficPolicy}`);
  if (spec.internalTrafficPolicy) w.line(0, `Internal Traffic Policy:\t${spec.internalTrafficPolicy}`);
  if (spec.trafficDistribution) w.line(0, `Traffic Distribution:\t${spec.trafficDistribution}`);
}
