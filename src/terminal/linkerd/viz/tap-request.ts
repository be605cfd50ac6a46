import type { Message } from '#mesh/api/protobuf.ts';
import type { Flag } from '../flags.ts';
import { canonicalKind } from '../resources.ts';
import { Failure, type Invocation } from '../verb.ts';

const text = (name: string, usage: string, short?: string): Flag => ({
  name,
  type: 'string',
  usage,
  ...(short ? { short } : {}),
});

/** What `tap` and `top` take alike. */
export const TAP_FLAGS: Flag[] = [
  text('namespace', 'Namespace of the specified resource', 'n'),
  text('to', 'Display requests to this resource'),
  text(
    'to-namespace',
    'Sets the namespace used to lookup the "--to" resource; by default the current "--namespace" is used',
  ),
  { name: 'max-rps', type: 'float32', default: '100', usage: 'Maximum requests per second to tap.' },
  text('scheme', 'Display requests with this scheme'),
  text('method', 'Display requests with this HTTP method'),
  text('authority', 'Display requests with this :authority'),
  text('path', 'Display requests with paths that start with this prefix'),
  text('selector', "Selector (label query) to filter on, supports '=', '==', and '!='", 'l'),
];

/** What both say of their argument. */
export const TAPPED_RESOURCES = `  (TYPE [NAME] | TYPE/NAME)

  Examples:
  * cronjob/my-cronjob
  * deploy
  * deploy/my-deploy
  * deploy my-deploy
  * ds/my-daemonset
  * job/my-job
  * ns/my-ns
  * rs
  * rs/my-replicaset
  * sts
  * sts/my-statefulset

  Valid resource types include:
  * cronjobs
  * daemonsets
  * deployments
  * jobs
  * namespaces
  * pods
  * replicasets
  * replicationcontrollers
  * statefulsets
  * services (only supported as a --to resource)`;

/** Reads `deploy/web`. Throws a Failure in the command's words, `what` being the part of the request. */
function resourceOf(namespace: string, argument: string, what: 'target' | 'destination'): Message {
  const wrong = (why: string) => new Failure(`${what} resource invalid: ${why}`);
  const [kindText = '', name = '', ...more] = argument.split('/');
  if (more.length > 0) throw wrong(`Invalid resource string: ${argument}`);
  const type = canonicalKind(kindText);
  if (!type) throw wrong(`cannot find Kubernetes canonical name from friendly name [${kindText}]`);
  if (type === 'service' && what === 'target') throw new Failure(`unsupported resource type [${type}]`);
  return { namespace: type === 'namespace' ? '' : namespace, type, name };
}

/** The request that the flags describe; `headers` asks for headers and trailers as well. */
export function tapRequest({ args, flags, namespace }: Invocation, headers: boolean): Message {
  const value = (name: string): string => flags.values.get(name) ?? '';
  const maxRps = Number(flags.values.get('max-rps') ?? 100);
  const target = resourceOf(namespace, args.join('/'), 'target');
  const matches: Message[] = [];
  if (value('to')) {
    matches.push({ destinations: { resource: resourceOf(value('to-namespace'), value('to'), 'destination') } });
  }
  for (const name of ['scheme', 'method', 'authority', 'path']) {
    if (value(name)) matches.push({ http: { [name]: value(name) } });
  }
  return {
    target: { resource: target, label_selector: value('selector') },
    maxRps,
    match: { all: { matches } },
    extract: headers ? { http: { headers: {} } } : {},
  };
}
