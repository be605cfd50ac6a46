import type { Message } from '#mesh/api/protobuf.ts';

/** Short, full and plural names of what the extension's verbs take; nothing else is understood, in no other case. */
const NAMES = [
  ['cj', 'cronjob', 'cronjobs'],
  ['ds', 'daemonset', 'daemonsets'],
  ['deploy', 'deployment', 'deployments'],
  ['job', 'job', 'jobs'],
  ['meshtlsauthn', 'meshtlsauthentication', 'meshtlsauthentications'],
  ['ns', 'namespace', 'namespaces'],
  ['netauthn', 'networkauthentication', 'networkauthentications'],
  ['networkauthn', 'networkauthentication', 'networkauthentications'],
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
  ['ln', 'link', 'links'],
  ['all', 'all', 'all'],
];
const ALL = 'all';

/** The types that have a table of their own, in the order in which tables are shown. */
export const TABLE_TYPES = [
  'authorizationpolicy',
  'cronjob',
  'daemonset',
  'deployment',
  'httproute',
  'job',
  'namespace',
  'pod',
  'replicaset',
  'replicationcontroller',
  'server',
  'serverauthorization',
  'service',
  'serviceprofile',
  'statefulset',
];
/** Types that stand in the mesh's policy and own no pods. */
export const POLICY_TYPES = ['server', 'serverauthorization', 'authorizationpolicy', 'httproute'];

const typeOf = (name: string): string | undefined => NAMES.find((names) => names.includes(name))?.[1];

/** What a type's names begin with where several types are shown: nothing before the slash for those of policy. */
export const prefixOf = (type: string): string =>
  `${POLICY_TYPES.includes(type) ? '' : (NAMES.find(([, full]) => full === type)?.[0] ?? '')}/`;

/** The resource that `deploy/web` or `deploy` means. Throws an Error in upstream's words. */
export function resourceIn(namespace: string, argument: string): Message {
  const [kind = '', name = '', ...more] = argument.split('/');
  if (more.length > 0) throw new Error(`Invalid resource string: ${argument}`);
  return resourceOf(namespace, kind, name);
}

function resourceOf(namespace: string, kind: string, name: string): Message {
  const type = typeOf(kind);
  if (!type) throw new Error(`cannot find Kubernetes canonical name from friendly name [${kind}]`);
  return { namespace: type === 'namespace' ? '' : namespace, type, name };
}

/** Those that `deploy web api`, `deploy/web po/x` or `deploy` mean. Throws an Error in upstream's words. */
export function resourcesIn(namespace: string, args: string[]): Message[] {
  const [first = ''] = args;
  const type = args.length > 1 ? typeOf(first) : undefined;
  const shared = type === ALL ? undefined : type;
  const named = shared === undefined ? args : args.slice(1);
  if (new Set(named).size < named.length) throw new Error('cannot supply duplicate resources');
  if (named.length > 1 && named.includes(ALL)) throw new Error("'all' can't be supplied alongside other resources");
  return named.map((each) => (shared === undefined ? resourceIn(namespace, each) : resourceOf(namespace, first, each)));
}
