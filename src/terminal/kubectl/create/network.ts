import type { KubeObject } from '#kube/api/types.ts';
import { createMade } from '../create.ts';
import { CliError } from '../errors.ts';
import type { Invocation } from '../verb.ts';
import { metaOf, nameArgument, requireFlags } from './name.ts';

const TYPES: Record<string, string> = {
  clusterip: 'ClusterIP',
  nodeport: 'NodePort',
  loadbalancer: 'LoadBalancer',
  externalname: 'ExternalName',
};

export async function createService(k: Invocation): Promise<void> {
  const type = TYPES[k.path[2]!]!;
  if (type === 'ExternalName') requireFlags(k, 'external-name');
  const name = nameArgument(k);
  const labels = { app: name };
  const headless = k.flags.get('clusterip');
  const tcp = k.flags.list('tcp');
  if (tcp.length === 0 && type !== 'ExternalName' && headless !== 'None') {
    throw new CliError('at least one tcp port specifier must be provided');
  }
  const nodePort = k.flags.has('node-port') ? k.flags.int('node-port') : 0;
  const ports = tcp.map((spec) => ({ ...portOf(spec), ...(nodePort > 0 ? { nodePort } : {}) }));
  const service: KubeObject = {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: metaOf(k, name, labels),
    spec: {
      ...(ports.length > 0 ? { ports } : {}),
      selector: labels,
      ...(headless ? { clusterIP: headless } : {}),
      type,
      ...(type === 'ExternalName' ? { externalName: k.flags.get('external-name') } : {}),
    },
    status: { loadBalancer: {} },
  };
  await createMade(k, service, { failed: `failed to create ${type} service:` });
}

function portOf(spec: string) {
  const [port = '', target = port] = spec.split(':');
  if (!/^\d+$/.test(port)) throw new CliError(`strconv.ParseUint: parsing ${JSON.stringify(port)}: invalid syntax`);
  if (Number(port) > 65535) {
    throw new CliError(`strconv.ParseUint: parsing ${JSON.stringify(port)}: value out of range`);
  }
  return {
    name: spec.replace(':', '-'),
    protocol: 'TCP',
    port: Number(port),
    targetPort: /^\d+$/.test(target) ? Number(target) : target,
  };
}

export async function createIngress(k: Invocation): Promise<void> {
  const name = nameArgument(k);
  const rules = k.flags.list('rule').map(ruleOf);
  const fallback = k.flags.get('default-backend');
  if (rules.length === 0 && !fallback)
    throw new CliError(
      'not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)',
    );
  const hosts = [...new Set(rules.map(({ host }) => host))];
  const tls = rules.filter((rule) => rule.tls !== undefined);
  const spec = {
    ...(k.flags.get('class') ? { ingressClassName: k.flags.get('class') } : {}),
    ...(fallback ? { defaultBackend: backendOf(fallback) } : {}),
    ...(tls.length > 0
      ? {
          tls: tls.map((rule) => ({
            ...(rule.host ? { hosts: [rule.host] } : {}),
            ...(rule.tls ? { secretName: rule.tls } : {}),
          })),
        }
      : {}),
    ...(rules.length > 0
      ? {
          rules: hosts.map((host) => ({
            ...(host ? { host } : {}),
            http: { paths: rules.filter((rule) => rule.host === host).map(({ path }) => path) },
          })),
        }
      : {}),
  };
  const ingress = {
    kind: 'Ingress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: metaOf(k, name),
    spec,
    status: { loadBalancer: {} },
  };
  await createMade(k, ingress, { failed: 'failed to create ingress:' });
}

function backendOf(text: string) {
  const [service = '', port = ''] = text.split(':');
  return { service: { name: service, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } } };
}

function ruleOf(text: string) {
  const match = /^([^/]*)(\/[^=]*)=([^,]+)(?:,tls(?:=(.*))?)?$/.exec(text);
  if (!match)
    throw new CliError(`rule ${text} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`);
  const [rule, host = '', path = '', backend = '', secret] = match;
  const isPrefix = path.endsWith('*');
  return {
    host,
    path: {
      path: isPrefix ? path.slice(0, -1) : path,
      pathType: isPrefix ? 'Prefix' : 'Exact',
      backend: backendOf(backend),
    },
    ...(rule.includes(',tls') ? { tls: secret ?? '' } : {}),
  };
}
