import { isIP } from 'node:net';
import { quantityValue } from '#kube/api/quantity.ts';
import { isQuantity } from '#mesh/injector/overrides.ts';
import type { Values } from '#mesh/install/values.ts';

const LEVELS = ['panic', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'];
const POLICIES = [
  'all-authenticated',
  'all-unauthenticated',
  'cluster-authenticated',
  'cluster-unauthenticated',
  'deny',
  'audit',
];
const VERSION = /^[\w.-]+$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** What install and upgrade refuse of chosen values, in the order in which they look; undefined when they take them. */
export function valueProblem({ proxy, proxyInit, ...values }: Values): string | undefined {
  if (!VERSION.test(values['linkerdVersion'])) return `${values['linkerdVersion']} is not a valid version`;
  if (!LEVELS.includes(values['controllerLogLevel']) && values['controllerLogLevel'] !== 'warning')
    return `--controller-log-level must be one of: ${LEVELS.join(', ')}`;
  if (proxy.logLevel === '') return '--proxy-log-level must not be empty';
  const domain: string = values['identityTrustDomain'];
  if (domain && !DNS_SUBDOMAIN.test(domain))
    return `invalid trust domain '${domain}': a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`;
  return (
    clusterProblem(values, proxy.image.version) ?? resourceProblem(proxy.resources) ?? proxyProblem(proxy, proxyInit)
  );
}

const PULLED = ['Always', 'IfNotPresent', 'Never'];

function clusterProblem(values: Partial<Values>, version: string): string | undefined {
  for (const network of String(values['clusterNetworks']).split(','))
    if (!isCidr(network)) return `cannot parse destination get networks: invalid CIDR address: ${network}`;
  if (version !== '' && !VERSION.test(version)) return `${version} is not a valid version`;
  return PULLED.includes(values['imagePullPolicy'] ?? '')
    ? undefined
    : `--image-pull-policy must be one of: ${PULLED.join(', ')}`;
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  const family = isIP(address);
  return family > 0 && rest.length === 0 && /^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

interface Amounts {
  limit?: string;
  request?: string;
}

function resourceProblem({ cpu = {}, memory = {} }: { cpu?: Amounts; memory?: Amounts }): string | undefined {
  for (const [name, { request }] of [['cpu', cpu] as const, ['memory', memory] as const])
    if (request && !isQuantity(request)) return `Invalid ${name} request '${request}' for --proxy-${name}-request flag`;
  for (const [name, { request, limit }] of [['cpu', cpu] as const, ['memory', memory] as const]) {
    if (!limit) continue;
    if (!isQuantity(limit)) return `Invalid ${name} limit '${limit}' for --proxy-${name}-limit flag`;
    if ((quantityValue(request ?? '') ?? 0) > quantityValue(limit)!)
      return `The ${name} limit '${limit}' cannot be lower than the ${name} request '${request}'`;
  }
  return undefined;
}

function proxyProblem(
  { logLevel, defaultInboundPolicy }: Values['proxy'],
  { ignoreInboundPorts, ignoreOutboundPorts }: Values['proxyInit'],
): string | undefined {
  if (!/^((trace|debug|warn|info|error|(\w|::)+|(\w|::)+=(trace|debug|warn|info|error))(?:,|$))+$/.test(logLevel))
    return `"${logLevel}" is not a valid proxy log level - for allowed syntax check https://docs.rs/env_logger/0.6.0/env_logger/#enabling-logging`;
  for (const ports of [ignoreInboundPorts, ignoreOutboundPorts])
    for (const each of ports ? String(ports).split(',') : []) {
      const problem = portsProblem(each);
      if (problem) return problem;
    }
  return POLICIES.includes(defaultInboundPolicy)
    ? undefined
    : `--default-inbound-policy must be one of: ${POLICIES.join(', ')} (got ${defaultInboundPolicy})`;
}

const isPort = (text: string): boolean => /^\d+$/.test(text) && Number(text) > 0 && Number(text) <= 65_535;

/** Why a text is neither a port nor a range of ports. */
function portsProblem(text: string): string | undefined {
  if (!text.includes('-')) return isPort(text) ? undefined : `"${text}" is not a valid port nor port-range`;
  const bounds = text.split('-');
  if (bounds.length !== 2) return 'ranges expected as <lower>-<upper>';
  const [low = '', high = ''] = bounds;
  if (!isPort(low)) return `"${low}" is not a valid lower-bound`;
  if (!isPort(high)) return `"${high}" is not a valid upper-bound`;
  return Number(high) < Number(low) ? `"${text}": upper-bound must be greater than or equal to lower-bound` : undefined;
}
