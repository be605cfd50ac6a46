import { MovableClock } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { ApiServer } from '#kube/apiserver/server.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';
import type { ContainerContext, Image, Process } from '#kube/images/program.ts';
import { type Kubelet, startKubelet } from '#kube/kubelet/kubelet.ts';
import { Fabric } from '#kube/network/fabric.ts';

const ADMIN = { username: 'admin', groups: ['system:masters'] };
export const PODS = { group: '', version: 'v1', resource: 'pods', namespace: 'shop' };
const EVENTS = { ...PODS, resource: 'events' };

/** What the test's programs did, in order: `start web`, `SIGTERM web`. */
export type Diary = string[];

/** One node with an API server and images of the test's own; nothing schedules, so pods name their node. */
export class TestNode {
  readonly clock = new MovableClock();
  readonly diary: Diary = [];
  readonly client: KubeClient;
  readonly network = new Fabric({ clock: this.clock, nodeIp: '172.18.0.2' });
  kubelet!: Kubelet;
  readonly #server: ApiServer;

  private constructor() {
    this.#server = new ApiServer({ clock: this.clock });
    this.client = createKubeClient(createInProcessTransport(this.#server, ADMIN));
  }

  static async start(): Promise<TestNode> {
    const node = new TestNode();
    await node.client.create(
      { group: '', version: 'v1', resource: 'namespaces' },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
    );
    node.kubelet = await startKubelet({
      client: node.client,
      clock: node.clock,
      network: node.network,
      images: [testImage(node.diary)],
      node: { name: 'academy', ip: '172.18.0.2' },
      volumeSyncMs: 3_000,
      clientOf: (user) => createKubeClient(createInProcessTransport(node.#server, user)),
    });
    node.#server.nodes = node.kubelet;
    return node;
  }

  async close(): Promise<void> {
    await this.kubelet.close();
    this.clock.stop();
  }

  run(name: string, spec: object): Promise<KubeObject> {
    return this.client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { nodeName: 'academy', ...spec },
    });
  }

  /** The pod as soon as it is as wanted. */
  async until(name: string, wanted: (pod: KubeObject) => boolean): Promise<KubeObject> {
    const first = await this.client.list(PODS);
    const found = first.items.find((pod) => pod.metadata.name === name);
    if (found && wanted(found)) return found;
    const stop = new AbortController();
    const from = first.metadata.resourceVersion;
    const watch = this.client.watch(PODS, { signal: stop.signal, ...(from ? { resourceVersion: from } : {}) });
    for await (const { type, object } of watch) {
      if (object.metadata.name !== name || type === 'DELETED' || !wanted(object)) continue;
      stop.abort();
      return object;
    }
    throw new Error(`the watch of ${name} ended`);
  }

  /** Resolves when the API forgot the pod. */
  async gone(name: string): Promise<void> {
    const stop = new AbortController();
    for await (const { type, object } of this.client.watch(PODS, { signal: stop.signal, sendInitialEvents: true })) {
      if (type !== 'DELETED' || object.metadata.name !== name) continue;
      stop.abort();
      return;
    }
  }

  async events(pod: string): Promise<string[]> {
    const { items } = await this.client.list(EVENTS);
    return items
      .filter(({ involvedObject }) => involvedObject.name === pod)
      .map((event) => `${event.reason}: ${event.message}`);
  }
}

export const isReady = (pod: KubeObject): boolean => condition(pod, 'Ready')?.status === 'True';
export const condition = (pod: KubeObject, type: string) =>
  (pod.status?.conditions as { type: string; status: string; reason?: string; message?: string }[] | undefined)?.find(
    (each) => each.type === type,
  );
export const state = (pod: KubeObject, name?: string) => {
  const all = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  return (name ? all.find((each) => each.name === name) : all.at(-1))?.state ?? {};
};

/**
 * A small image. `serve <port>` answers `200 ok` until it is ended, `stubborn` does not heed SIGTERM, `exit <code>` prints
 * `bye` and ends, `cat` copies its input, `read <file>` prints a file, `env <name>` a variable.
 */
function testImage(diary: Diary): Image {
  return {
    repository: 'test/tool',
    summary: 'programs for tests',
    entrypoint: ['serve', '80'],
    cmd: [],
    user: 0,
    hasShell: false,
    start(context) {
      const [program, argument = ''] = context.argv;
      const note = (what: string) => diary.push(`${what} ${context.container}`);
      switch (program) {
        case 'serve':
        case 'stubborn':
          note('start');
          return server(context, Number(argument), program === 'stubborn', note);
        case 'exit':
          note('start');
          return ends(context.stdio.stdout.write('bye\n').then(() => Number(argument)));
        case 'cat':
          return ends(copy(context));
        case 'read':
          return ends(context.stdio.stdout.write(context.files.readFile(argument) ?? 'no such file').then(() => 0));
        case 'env':
          return ends(context.stdio.stdout.write(`${context.env[argument] ?? ''}\n`).then(() => 0));
        default:
          return undefined;
      }
    },
  };
}

const ends = (exited: Promise<number>): Process => ({ exited, kill() {} });

async function copy({ stdio }: ContainerContext): Promise<number> {
  for await (const chunk of stdio.stdin) await stdio.stdout.write(chunk);
  return 0;
}

function server(context: ContainerContext, port: number, isStubborn: boolean, note: (what: string) => void): Process {
  let finish: (code: number) => void = () => {};
  const exited = new Promise<number>((resolve) => {
    finish = resolve;
  });
  const listener = port
    ? context.net.listen(port, (connection) => {
        connection.once('data', () => connection.end('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n'));
      })
    : undefined;
  void context.stdio.stdout.write(`serving as ${context.container}\n`);
  return {
    exited,
    kill(signal) {
      note(signal);
      if (signal === 'SIGTERM' && isStubborn) return;
      listener?.close();
      finish(signal === 'SIGKILL' ? 137 : 0);
    },
  };
}
