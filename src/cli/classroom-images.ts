import { join } from 'node:path';
import { meshImages } from '#cluster/linkerd/images.ts';
import { LabSource } from '#server/sessions/lab-source.ts';
import { readSettings } from '#server/settings.ts';
import { ROOT } from './root.ts';

export interface WantedImage {
  reference: string;
  /** For a person: "the mesh". */
  for: string;
}

/** Everything that kind clusters of a classroom need, in the order of need. */
export async function classroomImages(): Promise<WantedImage[]> {
  const { nodeImage, toolboxImage } = readSettings();
  return [
    { reference: nodeImage, for: 'nodes' },
    { reference: toolboxImage, for: 'terminals' },
    ...(await meshImages()).map((reference) => ({ reference, for: 'the mesh' })),
    ...(await imagesOfLabs()).map(([reference, labs]) => ({ reference, for: `labs: ${labs.join(', ')}` })),
  ];
}

/** Images of all labs that may run on kind, as they are called here, and by which they are used. */
export async function imagesOfLabs(): Promise<[string, string[]][]> {
  const { mirrors } = readSettings();
  const found = new Map<string, string[]>();
  const source = new LabSource(join(ROOT, 'labs'));
  for (const id of await source.ids()) {
    const { definition, needs } = await source.load(id);
    if (definition.drivers !== 'any' && !definition.drivers.includes('kind')) continue;
    for (const name of [...needs.images.needed, ...needs.images.useful]) {
      const image = mirrors[name] ?? name;
      found.set(image, [...(found.get(image) ?? []), id]);
    }
  }
  return [...found].sort();
}
