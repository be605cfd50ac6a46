import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { trafficManifests } from '#grader/traffic-source.ts';
import type { Lab } from '#schema/lab.ts';

/** What a lab's files name that a kind cluster has to have. */
export interface LabNeeds {
  /** References of images: those that its world starts with, and those that its learner may run. */
  images: { needed: string[]; useful: string[] };
  /**
   * Programs that its scripts or its lesson call, beside kubectl and what every Linux has; linkerd wherever there is a mesh
   * to look at.
   */
  tools: string[];
}

const TOOL = /(?:^|[\s;|&($])(linkerd|step|yq) +[a-z.-]/gm;

/** `image: NAME` of manifests and `--image NAME` of scripts; a reference without a tag is none that is meant here. */
const REFERENCE = /(?:\bimage:\s*|--image[= ])["']?([a-z0-9][\w./:@-]*:[\w.-]+)/g;

export const imagesNamed = (text: string): string[] => [...text.matchAll(REFERENCE)].map(([, reference]) => reference!);

/** Reads a lab's folder. `start`: what is put into the cluster before the learner is let in. */
export async function labNeeds(folder: string, definition: Lab, start: { content: string }[]): Promise<LabNeeds> {
  const needed = new Set(start.flatMap(({ content }) => imagesNamed(content)));
  // Background traffic runs in an image of its own.
  if (definition.traffic) for (const image of trafficImages(definition.traffic)) needed.add(image);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const texts = (end: RegExp) =>
    Promise.all(
      entries
        .filter((entry) => entry.isFile() && end.test(entry.name))
        .map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8')),
    );
  const useful = new Set((await texts(/\.(ya?ml|sh)$/)).flatMap(imagesNamed));
  const scripts = (await texts(/\.sh$/)).map((text) => text.replaceAll(/^\s*#.*$/gm, ''));
  const tools = new Set<string>(definition.uses);
  if (definition.cluster.mesh !== 'none') tools.add('linkerd');
  for (const text of scripts) for (const [, tool] of text.matchAll(TOOL)) tools.add(tool!);
  return {
    images: { needed: [...needed].sort(), useful: [...useful].filter((image) => !needed.has(image)).sort() },
    tools: [...tools].sort(),
  };
}

function trafficImages(traffic: NonNullable<Lab['traffic']>): string[] {
  return trafficManifests(traffic).flatMap(
    ({ spec }) => spec?.template?.spec?.containers?.map(({ image }: { image: string }) => image) ?? [],
  );
}
