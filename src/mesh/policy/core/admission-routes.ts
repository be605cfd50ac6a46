import type { KubeObject } from '#kube/api/types.ts';
import { Refusal } from './admission.ts';
import { parseDuration } from './durations.ts';
import { POLICY_GROUP } from './objects.ts';
import { parseOutboundSettings } from './outbound-settings.ts';
import { regexProblem } from './regex-syntax.ts';

// biome-ignore lint/suspicious/noExplicitAny: specs are plain JSON, possibly of the wrong shape.
type Json = any;

/** The webhook's rules for routes of both groups. Throws a {@link Refusal}. */
export function validateRoute(route: KubeObject, group: string, kind: string): void {
  const { parentRefs = [], rules = [] } = route.spec;
  // The controller reads TLSRoutes with hostnames only; what it cannot read of the Gateway API it lets pass.
  if (kind === 'TLSRoute' && !route.spec.hostnames) return;
  for (const parent of parentRefs as Json[]) {
    if (parent.group === POLICY_GROUP && parent.kind === 'EgressNetwork' && parent.port === undefined) {
      throw new Refusal('cannot target an EgressNetwork without specifying a port');
    }
  }
  if (kind === 'TLSRoute' || kind === 'TCPRoute') {
    if (rules.length !== 1)
      throw new Refusal(`${kind === 'TLSRoute' ? 'Tls' : 'Tcp'}Route supports a single rule only`);
    return;
  }
  if ((parentRefs as Json[]).some(isOutboundParent)) {
    const { problem } = parseOutboundSettings(route.metadata.annotations ?? {}, kind === 'GRPCRoute' ? 'grpc' : 'http');
    if (problem) throw new Refusal(problem);
  }
  for (const rule of rules as Json[]) {
    for (const match of rule.matches ?? []) matchOf(kind, match);
    for (const filter of rule.filters ?? []) filterOf(filter);
    if (group === POLICY_GROUP) timeouts(rule.timeouts);
    else for (const backend of rule.backendRefs ?? []) backendOf(backend);
  }
}

const isOutboundParent = (parent: Json): boolean =>
  (parent.group === POLICY_GROUP && parent.kind === 'EgressNetwork') ||
  (['', 'core'].includes(parent.group) && parent.kind === 'Service');

function matchOf(kind: string, match: Json): void {
  if (kind === 'GRPCRoute') {
    if (match.method?.type === 'RegularExpression') {
      throw new Refusal('unsupported GRPCRoute method match type: Some(RegularExpression)');
    }
    return;
  }
  const path = match.path;
  if (path && path.type !== 'RegularExpression' && !String(path.value ?? '/').startsWith('/')) {
    throw new Refusal(
      `HttpPathMatch paths must be absolute (begin with \`/\`); ${JSON.stringify(path.value)} is not an absolute path`,
    );
  }
  for (const each of [path, ...(match.headers ?? []), ...(match.queryParams ?? [])]) {
    if (each?.type !== 'RegularExpression') continue;
    const problem = regexProblem(String(each.value ?? '/'));
    if (problem) throw new Refusal(problem);
  }
}

function filterOf(filter: Json): void {
  const path = filter.requestRedirect?.path;
  const value = path?.replaceFullPath ?? path?.replacePrefixMatch;
  if (value !== undefined && !String(value).startsWith('/')) {
    throw new Refusal(
      `RequestRedirect filters may only contain absolute paths (starting with '/'); ${JSON.stringify(value)} is not an absolute path`,
    );
  }
}

function backendOf(backend: Json): void {
  const service = ['', 'core', undefined].includes(backend.group) && ['Service', undefined].includes(backend.kind);
  if (service && !backend.port) throw new Refusal('invalid backendRef');
}

function timeouts(json: Json): void {
  if (!json) return;
  const read = (name: string): number | undefined => {
    if (json[name] === undefined) return undefined;
    if (String(json[name]).startsWith('-')) throw new Refusal(`${name} timeout must not be negative`);
    const ms = parseDuration(String(json[name]));
    if (ms === undefined) throw new Refusal(`invalid duration: ${json[name]}`);
    return ms;
  };
  const backend = read('backendRequest');
  const request = read('request');
  if (backend !== undefined && request !== undefined && request < backend) {
    throw new Refusal(
      `backendRequest timeout (${json.backendRequest}) must not be greater than request timeout (${json.request})`,
    );
  }
}
