import type { Clock } from '#base/clock.ts';
import type { Cluster } from '#cluster/driver.ts';
import { LoopbackNet } from '#terminal/loopback.ts';
import { Terminals } from '#terminal/terminals.ts';
import { createTools } from '#terminal/tools.ts';
import { Workspace } from '#terminal/workspace.ts';
import { kubeconfigFor } from '../../http/kubeconfig.ts';
import type { FromWorker, StartOrder } from '../channel.ts';

/** Written for the session itself: not the learner's, holds its token, and so neither kept nor shown in the editor. */
const KUBECONFIG = '.kube/config';

export interface OpenOptions {
  order: StartOrder;
  cluster: Cluster;
  wall: Clock;
  /** The cluster is new: what its making left for the learner's home replaces what an older one left. */
  freshCluster: boolean;
  post(message: FromWorker): void;
  openEditor(path: string, content: string, signal: AbortSignal): Promise<string | null>;
  advanceClock?(ms: number): Promise<void>;
}

/** The learner's files and terminals of one session, and the tools in them. */
export function openTerminals(o: OpenOptions): { workspace: Workspace; terminals: Terminals } {
  const { order, cluster, post } = o;
  const bytes = (text: string) => new TextEncoder().encode(text);
  const files: Record<string, Uint8Array> = {};
  const put = (texts: Record<string, string>) => {
    for (const [path, text] of Object.entries(texts)) files[path] = bytes(text);
  };
  if (order.files) Object.assign(files, order.files);
  else put(order.lab.files);
  if (o.freshCluster) put(cluster.homeFiles);
  for (const [path, content] of Object.entries(files)) post({ type: 'file', path, content, version: 1 });
  put({ [KUBECONFIG]: kubeconfigFor(order.lab.id, order) });

  const workspace = new Workspace({
    files,
    onFile: (path, content, version) => {
      if (path !== KUBECONFIG) post({ type: 'file', path, content, version });
    },
    onConflict: (path, keptAs) =>
      terminals.notice(`${path} had been changed by a program meanwhile; what it wrote was kept as ${keptAs}.`),
  });
  const terminals: Terminals = new Terminals({
    workspace,
    wall: o.wall,
    clock: cluster.clock,
    history: order.history,
    commands: createTools({
      client: cluster.admin,
      clock: cluster.clock,
      wall: o.wall,
      loopback: new LoopbackNet(),
      openEditor: o.openEditor,
      ...(o.advanceClock ? { advanceClock: o.advanceClock } : {}),
    }),
    onOpened: (terminal) => post({ type: 'terminal.opened', terminal }),
    onOutput: (terminal, data) => post({ type: 'terminal.output', terminal, data }),
    onClosed: (terminal) => post({ type: 'terminal.closed', terminal }),
    onHistory: (line) => post({ type: 'history', line }),
  });
  return { workspace, terminals };
}
