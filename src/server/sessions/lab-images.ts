import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { trafficManifests } from '#grader/traffic-source.ts';
import type { Lab } from '#schema/lab.ts';

/** References of images in a lab's files: those that its world starts with, and those that its learner may run. */
export interface LabImages {
  needed: string[];
  useful: string[];
}

/** `image: NAME` of manifests and `--image NAME` of scripts; a reference without a tag is none that is meant here. */
const REFERENCE = /(?:\bimage:\s*|--image[= ])["']?([a-z0-9][\w./:@-]*:[\w.-]+)/g;

export const imagesNamed = (text: string): string[] => [...text.matchAll(REFERENCE)].map(([, reference]) => reference!);

/** Reads a lab's folder for the images that it names. `start`: what is put into the cluster before the learner is let in. */
export async function labImages(folder: string, definition: Lab, start: { content: string }[]): Promise<LabImages> {
  const needed = new Set(start.flatMap(({ content }) => imagesNamed(content)));
  // Background traffic runs in an image of its own.
  if (definition.traffic) for (const image of trafficImages(definition.traffic)) needed.add(image);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const texts = await Promise.all(
    entries
      .filter((entry) => entry.isFile() && /\.(ya?ml|sh)$/.test(entry.name))
      .map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8')),
  );
  const useful = new Set(texts.flatMap(imagesNamed));
  return { needed: [...needed].sort(), useful: [...useful].filter((image) => !needed.has(image)).sort() };
}

function trafficImages(traffic: NonNullable<Lab['traffic']>): string[] {
  return trafficManifests(traffic).flatMap(
    ({ spec }) => spec?.template?.spec?.containers?.map(({ image }: { image: string }) => image) ?? [],
  );
}
