import { isIPv4, isIPv6 } from 'node:net';
import { type Causes, DNS_LABEL, dnsLabelProblem, labelCauses } from './causes.ts';
import { portOrNameCauses } from './container.ts';
import type { Rule } from './rule.ts';

interface Port {
  name?: string;
  port?: number;
  protocol?: string;
  targetPort?: number | string;
  nodePort?: number;
}

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

/** What is wrong with a Service. */
export const serviceCauses: Rule = ({ spec }, old, add) => {
  if (!spec) return add.required('spec');
  const ports: Port[] = spec.ports ?? [];
  const headless = spec.clusterIP === 'None';
  if (ports.length === 0 && spec.type !== 'ExternalName' && !headless) add.required('spec.ports');
  portCauses(ports, spec.type, add);
  labelCauses(spec.selector, 'spec.selector', add);
  if (!TYPES.includes(spec.type)) add.unsupported('spec.type', spec.type, TYPES);
  if (spec.sessionAffinity && !['ClientIP', 'None'].includes(spec.sessionAffinity)) {
    add.unsupported('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']);
  }
  if (spec.type === 'ExternalName') {
    if (!spec.externalName) add.required('spec.externalName');
    if (spec.clusterIP) add.forbidden('spec.clusterIPs', "may not be set when `type` is 'ExternalName'");
  }
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && headless) {
    add.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`);
  }
  (spec.externalIPs ?? []).forEach((ip: string, i: number) => {
    if (!isIPv4(ip) && !isIPv6(ip)) {
      add.invalid(`spec.externalIPs[${i}]`, ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
    }
  });
  const moved = old && old.spec.type !== 'ExternalName' && spec.type !== 'ExternalName';
  if (moved && old.spec.clusterIP !== spec.clusterIP) {
    add.invalid('spec.clusterIPs[0]', [spec.clusterIP], 'may not change once set');
  }
};

function portCauses(ports: Port[], type: string, add: Causes): void {
  const names = new Set<string>();
  const taken = new Set<string>();
  ports.forEach(({ name, port, protocol, targetPort, nodePort }, i) => {
    const at = `spec.ports[${i}]`;
    if (ports.length > 1 && !name) add.required(`${at}.name`);
    else if (name) {
      if (!DNS_LABEL.test(name)) add.invalid(`${at}.name`, name, dnsLabelProblem(name));
      else if (names.has(name)) add.duplicate(`${at}.name`, name);
      names.add(name);
    }
    if (!Number.isInteger(port) || port! < 1 || port! > 65_535) {
      add.invalid(`${at}.port`, port ?? 0, 'must be between 1 and 65535, inclusive');
    }
    if (!protocol) add.required(`${at}.protocol`);
    else if (!PROTOCOLS.includes(protocol)) add.unsupported(`${at}.protocol`, protocol, PROTOCOLS);
    if (targetPort !== undefined) portOrNameCauses(targetPort, `${at}.targetPort`, add);
    if (nodePort && type === 'ClusterIP') {
      add.forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'");
    } else if (nodePort !== undefined && (nodePort < 30_000 || nodePort > 32_767)) {
      add.invalid(
        `${at}.nodePort`,
        nodePort,
        'provided port is not in the valid range. The range of valid ports is 30000-32767',
      );
    }
    const key = `${protocol}/${port}`;
    if (taken.has(key)) add.duplicate(at, { protocol, port });
    taken.add(key);
  });
}
