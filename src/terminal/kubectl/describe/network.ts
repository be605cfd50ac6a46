import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { selectorText } from '../pods-of.ts';
import type { Invocation } from '../verb.ts';
import type { Subject } from './kinds.ts';
import { annotationLines, header, labelsAndAnnotations, mapLines, type Writer } from './write.ts';

// biome-ignore lint/suspicious/noExplicitAny: specifications are read field by field.
type Fields = any;

interface Backend {
  service?: { name: string; port?: { name?: string; number?: number } };
  resource?: { apiGroup?: string; kind: string; name: string };
}

export async function describeIngress({ w, object, k }: Subject): Promise<void> {
  const { metadata, spec = {}, status } = object;
  const namespace = metadata.namespace ?? '';
  w.line(0, `Name:\t${metadata.name}`);
  mapLines(w, 0, 'Labels', metadata.labels);
  w.line(0, `Namespace:\t${namespace}`);
  const addresses: { ip?: string; hostname?: string }[] = status?.loadBalancer?.ingress ?? [];
  w.line(0, `Address:\t${addresses.map((each) => each.ip || each.hostname).join(',')}`);
  w.line(0, `Ingress Class:\t${spec.ingressClassName ?? '<none>'}`);
  w.line(
    0,
    `Default backend:\t${spec.defaultBackend ? await backendText(k, namespace, spec.defaultBackend) : '<default>'}`,
  );
  if ((spec.tls ?? []).length > 0) {
    w.line(0, 'TLS:');
    for (const { hosts = [], secretName } of spec.tls) {
      w.line(1, secretName ? `${secretName} terminates ${hosts.join(',')}` : `SNI routes ${hosts.join(',')}`);
    }
  }
  w.line(0, 'Rules:\n  Host\tPath\tBackends\n  ----\t----\t--------');
  let shown = 0;
  for (const { host, http } of spec.rules ?? []) {
    if (!http) continue;
    shown++;
    w.line(1, `${host || '*'}\t`);
    for (const { path = '', backend } of http.paths) {
      w.line(1, `  \t${path} \t${await backendText(k, namespace, backend)}`);
    }
  }
  if (shown === 0) {
    const backend = spec.defaultBackend ? await backendText(k, namespace, spec.defaultBackend) : '<default>';
    w.line(1, `*\t*\t${backend}`);
  }
  annotationLines(w, 0, metadata.annotations);
}

/** `web:http (10.0.0.5:8080)`: the backend, and where it ends up. */
async function backendText(k: Invocation, namespace: string, { service, resource }: Backend): Promise<string> {
  if (resource) {
    const { apiGroup = '<none>', kind, name } = resource;
    return `APIGroup: ${apiGroup}, Kind: ${kind}, Name: ${name}`;
  }
  if (!service) return '';
  const port = service.port?.number ? String(service.port.number) : (service.port?.name ?? '');
  return `${service.name}:${port} (${await endpointsOf(k, namespace, service)})`;
}

async function endpointsOf(
  k: Invocation,
  namespace: string,
  service: NonNullable<Backend['service']>,
): Promise<string> {
  const target = { group: '', version: 'v1', namespace };
  let object: KubeObject;
  try {
    object = await k.client.get({ ...target, resource: 'services' }, service.name);
  } catch (error) {
    if (error instanceof StatusError) return `<error: ${error.message}>`;
    throw error;
  }
  const { number, name } = service.port ?? {};
  const found = (object['spec'].ports ?? []).find((each: Fields) =>
    number ? each.port === number : each.name === name,
  );
  const slices = await k.client.list(
    { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', namespace },
    { labelSelector: `kubernetes.io/service-name=${service.name}` },
  );
  return found ? endpointsText(slices.items, found.name ?? '') : '';
}

/** Three ready addresses of a port, and how many more there are. */
export function endpointsText(slices: KubeObject[], port: string): string {
  if (slices.length === 0) return '<none>';
  const list: string[] = [];
  for (const slice of slices) {
    const ports = (slice['ports'] ?? []).filter((each: Fields) => (each.name ?? '') === port);
    for (const { port: number } of ports) {
      for (const { addresses, conditions } of slice['endpoints'] ?? []) {
        if (conditions?.ready === false) continue;
        for (const address of addresses) list.push(`${address}:${number}`);
      }
    }
  }
  return list.length > 3 ? `${list.slice(0, 3).join(',')} + ${list.length - 3} more...` : list.join(',');
}

export function describeNetworkPolicy(w: Writer, object: KubeObject): void {
  const { metadata, spec = {} } = object;
  header(w, object);
  const created = (metadata.creationTimestamp ?? '').replace('T', ' ').replace('Z', ' +0000 UTC');
  w.line(0, `Created on:\t${created}`);
  labelsAndAnnotations(w, object);
  w.line(0, 'Spec:');
  const selector = selectorText(spec.podSelector);
  w.line(
    1,
    `PodSelector: ${selector || '<none> (Allowing the specific traffic to all pods in this namespace)'}`.replace(
      'PodSelector: ',
      'PodSelector:     ',
    ),
  );
  const types: string[] = spec.policyTypes ?? [];
  direction(w, 'ingress', 'From', types.includes('Ingress'), spec.ingress ?? [], 'from');
  direction(w, 'egress', 'To', types.includes('Egress'), spec.egress ?? [], 'to');
  w.line(1, `Policy Types: ${types.join(', ')}`);
}

function direction(w: Writer, name: string, word: string, applies: boolean, rules: Fields[], field: string): void {
  if (!applies) {
    w.line(1, `Not affecting ${name} traffic`);
    return;
  }
  w.line(1, `Allowing ${name} traffic:`);
  if (rules.length === 0) {
    w.line(2, `<none> (Selected pods are isolated for ${name} connectivity)`);
    return;
  }
  rules.forEach((rule, i) => {
    const ports: Fields[] = rule.ports ?? [];
    if (ports.length === 0) w.line(2, 'To Port: <any> (traffic allowed to all ports)');
    for (const { port, endPort, protocol = 'TCP' } of ports) {
      w.line(2, endPort ? `To Port Range: ${port}-${endPort}/${protocol}` : `To Port: ${port}/${protocol}`);
    }
    const peers: Fields[] = rule[field] ?? [];
    if (peers.length === 0) {
      w.line(2, `${word}: <any> (traffic not restricted by ${word === 'From' ? 'source' : 'destination'})`);
    }
    for (const { ipBlock, podSelector, namespaceSelector } of peers) {
      w.line(2, `${word}:`);
      if (ipBlock) {
        w.line(3, 'IPBlock:');
        w.line(4, `CIDR: ${ipBlock.cidr}`);
        w.line(4, `Except: ${(ipBlock.except ?? []).join(', ')}`);
        continue;
      }
      if (namespaceSelector) w.line(3, `NamespaceSelector: ${selectorText(namespaceSelector) || '<none>'}`);
      if (podSelector) w.line(3, `PodSelector: ${selectorText(podSelector) || '<none>'}`);
    }
    if (i < rules.length - 1) w.line(2, '----------');
  });
}

export function describeEndpoints(w: Writer, object: KubeObject): void {
  header(w, object);
  labelsAndAnnotations(w, object);
  w.line(0, 'Subsets:');
  const list = (addresses: { ip: string }[] | undefined) => (addresses ?? []).map(({ ip }) => ip).join(',') || '<none>';
  for (const { addresses, notReadyAddresses, ports = [] } of object['subsets'] ?? []) {
    w.line(1, `Addresses:\t${list(addresses)}`);
    w.line(1, `NotReadyAddresses:\t${list(notReadyAddresses)}`);
    if (ports.length === 0) continue;
    w.line(1, 'Ports:');
    w.line(2, 'Name\tPort\tProtocol');
    w.line(2, '----\t----\t--------');
    for (const { name, port, protocol } of ports) w.line(2, `${name || '<unset>'}\t${port}\t${protocol}`);
  }
  w.line(0, '');
}

export function describeEndpointSlice(w: Writer, object: KubeObject): void {
  header(w, object);
  labelsAndAnnotations(w, object);
  w.line(0, `AddressType:\t${object['addressType']}`);
  const ports: Fields[] = object['ports'] ?? [];
  if (ports.length === 0) w.line(0, 'Ports: <unset>');
  else {
    w.line(0, 'Ports:');
    w.line(1, 'Name\tPort\tProtocol');
    w.line(1, '----\t----\t--------');
    for (const { name, port, protocol } of ports) w.line(1, `${name || '<unset>'}\t${port ?? '<unset>'}\t${protocol}`);
  }
  const endpoints: Fields[] = object['endpoints'] ?? [];
  if (endpoints.length === 0) {
    w.line(0, 'Endpoints: <none>');
    return;
  }
  w.line(0, 'Endpoints:');
  for (const { addresses = [], conditions, hostname, targetRef, nodeName, zone } of endpoints) {
    w.line(1, `- Addresses:\t${addresses.join(',') || '<none>'}`);
    w.line(2, 'Conditions:');
    w.line(3, `Ready:\t${conditions?.ready ?? '<unset>'}`);
    w.line(2, `Hostname:\t${hostname ?? '<unset>'}`);
    if (targetRef) w.line(2, `TargetRef:\t${targetRef.kind}/${targetRef.name}`);
    w.line(2, `NodeName:\t${nodeName ?? '<unset>'}`);
    w.line(2, `Zone:\t${zone ?? '<unset>'}`);
  }
}
