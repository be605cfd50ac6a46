import type { Engine } from './engine.ts';

/** What a node remembers of itself, so that whoever finds it again needs nothing else. Lies in the node, root's alone. */
export interface NodeNotes {
  /** What its making left for a learner's home: the trust anchor and its key. */
  homeFiles: Record<string, string>;
}

const PATH = '/kind/academy.json';

export async function writeNotes(engine: Engine, id: string, notes: NodeNotes, signal: AbortSignal): Promise<void> {
  await engine.write(id, PATH, JSON.stringify(notes), signal);
  await engine.run(id, ['chmod', '600', PATH], { signal });
}

export async function readNotes(engine: Engine, id: string, signal: AbortSignal): Promise<NodeNotes> {
  return JSON.parse(await engine.run(id, ['cat', PATH], { signal })) as NodeNotes;
}
