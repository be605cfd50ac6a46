import type { Clock } from '#base/clock.ts';
import type { ApiRequest, ApiResponse, ChannelSocket } from '#kube/api/http.ts';
import type { NodeApi, NodeExec } from '#kube/api/node.ts';
import { failure, notFound } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';
import { portForwardServer } from './port-forward.ts';
import { remoteCommandServer } from './remote-command.ts';
import type { Attributes } from './seams.ts';

const COMMAND_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const FORWARD_PROTOCOLS = ['v4.channel.k8s.io'];

/** The subresources of pods that the kubelet answers: log, exec, attach, portforward. */
export class PodStreams {
  readonly #store: Store;
  readonly #nodes: () => NodeApi | undefined;
  readonly #clock: Clock;

  constructor(store: Store, nodes: () => NodeApi | undefined, clock: Clock) {
    this.#store = store;
    this.#nodes = nodes;
    this.#clock = clock;
  }

  async log(attributes: Attributes, request: ApiRequest): Promise<ApiResponse> {
    const { query } = request;
    const pod = this.#pod(attributes);
    const container = this.#container(pod, query.get('container'));
    const number = (name: string) => (query.has(name) ? Number(query.get(name)) : undefined);
    const sinceTime = query.get('sinceTime');
    const sinceSeconds = number('sinceSeconds');
    const tail = number('tailLines');
    const limit = number('limitBytes');
    const sinceMs = sinceTime
      ? this.#clock.now() - Date.parse(sinceTime)
      : sinceSeconds === undefined
        ? undefined
        : sinceSeconds * 1000;
    const chunks = await this.#node().logs(attributes.namespace, attributes.name, container, {
      follow: query.get('follow') === 'true',
      previous: query.get('previous') === 'true',
      timestamps: query.get('timestamps') === 'true',
      ...(tail === undefined ? {} : { tailLines: tail }),
      ...(sinceMs === undefined ? {} : { sinceMs }),
      ...(limit === undefined ? {} : { limitBytes: limit }),
      ...(request.signal ? { signal: request.signal } : {}),
    });
    return { status: 200, body: { type: 'stream', chunks, contentType: 'text/plain' } };
  }

  async connect(attributes: Attributes, request: ApiRequest, protocols: string[]): Promise<ChannelSocket> {
    const { query } = request;
    const pod = this.#pod(attributes);
    const { namespace, name } = attributes;
    if (attributes.subresource === 'portforward') {
      const ports = query.getAll('ports').map(Number);
      return portForwardServer(choose(protocols, FORWARD_PROTOCOLS), ports, (port) =>
        this.#node().portForward(namespace, name, port),
      );
    }
    if (attributes.subresource !== 'exec' && attributes.subresource !== 'attach')
      throw failure('NotFound', 'the server could not find the requested resource');
    const container = this.#container(pod, query.get('container'));
    const node = this.#node();
    const flag = (key: string) => ['true', '1'].includes(query.get(key) ?? '');
    return remoteCommandServer(choose(protocols, COMMAND_PROTOCOLS), {
      stdin: flag('stdin'),
      stdout: flag('stdout'),
      stderr: flag('stderr'),
      tty: flag('tty'),
      open: (options) =>
        attributes.subresource === 'exec'
          ? node.exec(namespace, name, container, { ...options, command: query.getAll('command') })
          : node.attach(namespace, name, container, options).then(withoutCode),
    });
  }

  #node(): NodeApi {
    const node = this.#nodes();
    if (!node) throw failure('ServiceUnavailable', 'the node of this pod is not there');
    return node;
  }

  #pod({ namespace, name }: Attributes): KubeObject {
    const pod = this.#store.get('/pods', namespace, name);
    if (!pod) throw notFound('', 'pods', name);
    if (!pod.spec?.nodeName) throw failure('BadRequest', `pod ${name} does not have a host assigned`);
    return pod;
  }

  /** The named container, the annotated default, or the only one. */
  #container(pod: KubeObject, asked: string | null): string {
    const { spec, metadata } = pod;
    const names = (list: { name: string }[] | undefined) => (list ?? []).map((container) => container.name);
    const containers = names(spec.containers);
    const all = [...containers, ...names(spec.initContainers), ...names(spec.ephemeralContainers)];
    if (asked) {
      if (all.includes(asked)) return asked;
      throw failure('BadRequest', `container ${asked} is not valid for pod ${metadata.name}`);
    }
    const annotated = metadata.annotations?.['kubectl.kubernetes.io/default-container'];
    if (annotated && containers.includes(annotated)) return annotated;
    if (containers.length === 1) return containers[0]!;
    const init = names(spec.initContainers);
    const others = init.length > 0 ? ` or one of the init containers: [${init.join(' ')}]` : '';
    throw failure(
      'BadRequest',
      `a container name must be specified for pod ${metadata.name}, choose one of: [${containers.join(' ')}]${others}`,
    );
  }
}

/** Whoever is attached sees the streams end, not how the program ended (CRI's Attach has no exit code). */
const withoutCode = ({ exited, resize }: NodeExec): NodeExec => ({ exited: exited.then(() => 0), resize });

function choose(offered: string[], known: string[]): string {
  const chosen = known.find((protocol) => offered.includes(protocol));
  if (!chosen) throw failure('BadRequest', `unable to upgrade: no protocol of [${offered.join(' ')}] is supported`);
  return chosen;
}
