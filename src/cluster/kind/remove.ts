import type { Engine } from './engine.ts';
import { LABEL } from './labels.ts';
import { nodeName } from './names.ts';

/** Removes whatever an earlier cluster of the same name left behind, the name being the container's or the label's. */
export async function removeCluster(engine: Engine, owner: string, cluster: string): Promise<void> {
  const containers = await engine.call('list containers', (abortSignal) =>
    engine.docker.listContainers({ all: true, filters: { label: [`${LABEL.owner}=${owner}`] }, abortSignal }),
  );
  const left = containers.filter(
    ({ Names, Labels }) => Names.includes(`/${nodeName(cluster)}`) || Labels[LABEL.cluster] === cluster,
  );
  // What belongs to a cluster of the pool keeps the name that it was made under.
  const names = new Set([cluster, ...left.map(({ Labels }) => Labels[LABEL.cluster] ?? cluster)]);
  const all = containers.filter((each) => left.includes(each) || names.has(each.Labels[LABEL.cluster] ?? ''));
  await Promise.all(all.map(({ Id }) => engine.remove(Id)));
  const networks = await engine.call('list networks', (abortSignal) =>
    engine.docker.listNetworks({ filters: { label: [`${LABEL.owner}=${owner}`] }, abortSignal }),
  );
  for (const { Id, Labels } of networks) {
    if (names.has(Labels?.[LABEL.cluster] ?? '')) await engine.removeNetwork(Id);
  }
}
