import type { Message } from '#mesh/api/protobuf.ts';

/** Short, full and plural names of what the extension's verbs take; nothing else is understood, in no other case. */
const NAMES = [
  ['cj', 'cronjob', 'cronjobs'],
  ['ds', 'daemonset', 'daemonsets'],
  ['deploy', 'deployment', 'deployments'],
  ['job', 'job', 'jobs'],
  ['ns', 'namespace', 'namespaces'],
  ['po', 'pod', 'pods'],
  ['rc', 'replicationcontroller', 'replicationcontrollers'],
  ['rs', 'replicaset', 'replicasets'],
  ['svc', 'service', 'services'],
  ['sp', 'serviceprofile', 'serviceprofiles'],
  ['saz', 'serverauthorization', 'serverauthorizations'],
  ['serverauthz', 'serverauthorization', 'serverauthorizations'],
  ['srvauthz', 'serverauthorization', 'serverauthorizations'],
  ['srv', 'server', 'servers'],
  ['ap', 'authorizationpolicy', 'authorizationpolicies'],
  ['authzpolicy', 'authorizationpolicy', 'authorizationpolicies'],
  ['httproute', 'httproute', 'httproutes'],
  ['sts', 'statefulset', 'statefulsets'],
  ['all', 'all', 'all'],
];

const typeOf = (name: string): string | undefined => NAMES.find((names) => names.includes(name))?.[1];

/** The resource that `deploy/web` or `deploy` means. Throws an Error in upstream's words. */
export function resourceIn(namespace: string, argument: string): Message {
  const [kind = '', name = '', ...more] = argument.split('/');
  if (more.length > 0) throw new Error(`Invalid resource string: ${argument}`);
  const type = typeOf(kind);
  if (!type) throw new Error(`cannot find Kubernetes canonical name from friendly name [${kind}]`);
  return { namespace: type === 'namespace' ? '' : namespace, type, name };
}
