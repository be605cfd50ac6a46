/** Name of the main cluster where there are others and the lab does not name it. */
const MAIN_CLUSTER = 'east';

/** Names of a lab’s clusters, the main one first. Empty where there is only one and it has no name. Here for whoever has no schemas. */
export function clusterNames({ name, others }: { name?: string | undefined; others: { name: string }[] }): string[] {
  const main = name ?? (others.length > 0 ? MAIN_CLUSTER : undefined);
  return main === undefined ? [] : [main, ...others.map((other) => other.name)];
}

type MeshSettings = { mesh: 'linkerd' | 'none'; others: { name: string; mesh?: 'linkerd' | 'none' | undefined }[] };

/** Whether one of a lab's other clusters has a mesh; it follows the main one where the lab does not say. */
export const isMeshed = ({ mesh, others }: MeshSettings, name: string): boolean =>
  (others.find((other) => other.name === name)?.mesh ?? mesh) === 'linkerd';
