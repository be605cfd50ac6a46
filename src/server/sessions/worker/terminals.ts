import type { Clock } from '#base/clock.ts';
import type { Desk, DeskOptions } from '#cluster/desk.ts';
import type { Cluster } from '#cluster/driver.ts';
import { clusterNames } from '#schema/cluster-names.ts';
import { clientsAt } from '#terminal/cluster-of.ts';
import { OwnDesk } from '#terminal/desk.ts';
import { LoopbackNet } from '#terminal/loopback.ts';
import { createTools } from '#terminal/tools.ts';
import { kubeconfigOfLab } from '../../http/kubeconfig.ts';
import type { FromWorker, StartOrder } from '../channel.ts';
import { type ContextChoice, choiceIn, withChoice } from './context-choice.ts';
import { timed } from './timed.ts';

/** Written for the session itself: not the learner's, holds its token, and so neither kept nor shown in the editor. */
const KUBECONFIG = '.kube/config';

export interface OpenOptions {
  order: StartOrder;
  cluster: Cluster;
  wall: Clock;
  /** The cluster is new: what its making left for the learner's home replaces what an older one left. */
  freshCluster: boolean;
  /** What the learner had chosen in the kubeconfig. */
  choice?: ContextChoice | undefined;
  /** The learner chose something else. */
  onChoice(choice: ContextChoice): void;
  post(message: FromWorker): void;
  openEditor(path: string, content: string, signal: AbortSignal): Promise<string | null>;
  advanceClock?(ms: number): Promise<void>;
}

/** The learner's files and terminals of one session: in the cluster's box where it has one, else in this process. */
export async function openDesk(o: OpenOptions): Promise<Desk> {
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

  const options: DeskOptions = {
    files,
    history: order.history,
    wall: o.wall,
    openEditor: o.openEditor,
    onOpened: (terminal) => post({ type: 'terminal.opened', terminal }),
    onOutput: (terminal, data) => post({ type: 'terminal.output', terminal, data }),
    onClosed: (terminal) => post({ type: 'terminal.closed', terminal }),
    onHistory: (line) => post({ type: 'history', line }),
    onFile: (path, content, version) => {
      if (path !== KUBECONFIG) return post({ type: 'file', path, content, version });
      const choice = content && choiceIn(Buffer.from(content).toString('utf8'));
      if (choice) o.onChoice(choice);
    },
  };
  if (cluster.box) return (await import('#cluster/toolbox/desk.ts')).BoxDesk.open(cluster.box, options);
  const kubeconfig = kubeconfigOfLab(order.lab, order, innerCas(order, cluster));
  put({ [KUBECONFIG]: o.choice ? withChoice(kubeconfig, o.choice) : kubeconfig });
  const others = Object.entries(order.others).map(
    ([name, { api }]) => [api.url, cluster.others!.get(name)!.admin] as const,
  );
  const tools = createTools({
    client: cluster.admin,
    ...(others.length > 0 ? { clientAt: clientsAt(new Map([[order.api.url, cluster.admin], ...others])) } : {}),
    ...(cluster.inner ? { dial: cluster.inner.dial } : {}),
    clock: cluster.clock,
    wall: o.wall,
    loopback: new LoopbackNet(),
    openEditor: o.openEditor,
    ...(o.advanceClock ? { advanceClock: o.advanceClock } : {}),
  });
  return new OwnDesk({
    ...options,
    clock: cluster.clock,
    commands: order.proof ? timed(tools, (command, tookMs) => post({ type: 'ran', command, tookMs })) : tools,
  });
}

/** The own CA of each cluster by its name, where there are several. */
export function innerCas({ lab }: Pick<StartOrder, 'lab'>, cluster: Cluster): Record<string, string> {
  const [main, ...others] = clusterNames(lab.definition.cluster);
  if (!main || others.length === 0) return {};
  const all = [[main, cluster] as const, ...others.map((name) => [name, cluster.others?.get(name)] as const)];
  return Object.fromEntries(all.flatMap(([name, each]) => (each?.inner ? [[name, each.inner.ca]] : [])));
}
