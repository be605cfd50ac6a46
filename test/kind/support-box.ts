import { WallClock } from '#base/clock.ts';
import { Lifecycle } from '#base/lifecycle.ts';
import type { Box, DeskOptions } from '#cluster/desk.ts';
import type { Engine } from '#cluster/kind/engine.ts';
import { labelsFor } from '#cluster/kind/labels.ts';
import { nodeName } from '#cluster/kind/names.ts';
import { createNetwork } from '#cluster/kind/network.ts';
import { startToolbox, ToolboxBox } from '#cluster/kind/toolbox.ts';
import { BoxDesk } from '#cluster/toolbox/desk.ts';
import { TOOLBOX_IMAGE } from './engine-here.ts';

const KUBECONFIG = 'apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    server: https://node:6443\n  name: a\n';

/** A toolbox on a network of its own, with no cluster beside it. */
export async function bareBox(
  engine: Engine,
  owner: string,
  cluster: string,
  image = TOOLBOX_IMAGE,
): Promise<{ box: ToolboxBox; life: Lifecycle }> {
  const life = new Lifecycle();
  const ownership = { owner, cluster, now: Date.now(), flavour: 'none' };
  const network = await createNetwork(engine, nodeName(cluster), labelsFor(ownership, 'network'), life.signal);
  life.add(() => engine.removeNetwork(network.id));
  const id = await startToolbox(engine, { image, ownership, network, life, signal: life.signal });
  return { box: new ToolboxBox(engine, id, KUBECONFIG, network.nodeAddress), life };
}

/** A desk that remembers what it told. */
export class Told {
  readonly opened: string[] = [];
  readonly closed: string[] = [];
  readonly history: string[] = [];
  readonly files = new Map<string, string | null>();
  readonly versions = new Map<string, number>();
  readonly edits: { path: string; content: string; answer: (text: string | null) => void; signal: AbortSignal }[] = [];
  readonly #output = new Map<string, string>();

  output(terminal: string): string {
    return this.#output.get(terminal) ?? '';
  }

  desk(box: Box, o: Partial<DeskOptions> = {}): Promise<BoxDesk> {
    return BoxDesk.open(box, {
      files: {},
      history: [],
      wall: new WallClock(),
      onOpened: (terminal) => this.opened.push(terminal),
      onOutput: (terminal, data) => this.#output.set(terminal, this.output(terminal) + data),
      onClosed: (terminal) => this.closed.push(terminal),
      onHistory: (line) => this.history.push(line),
      onFile: (path, content, version) => {
        this.files.set(path, content && Buffer.from(content).toString('utf8'));
        this.versions.set(path, version);
      },
      openEditor: (path, content, signal) =>
        new Promise((answer) => {
          signal.addEventListener('abort', () => answer(null), { once: true });
          this.edits.push({ path, content, answer, signal });
        }),
      ...o,
    });
  }
}
