import type { KubeObject } from '#kube/api/types.ts';
import type { LoadedLab } from './lab-source.ts';

type Mirrors = Readonly<Record<string, string>>;

/** `image: NAME` of manifests and `--image NAME` of scripts. */
const NAMED = /(\bimage:\s*["']?|--image[= ]["']?)([a-z0-9][\w./:@-]*)/g;

/**
 * A lab as it is run where its images have other names, such as those of a private registry: everything that it puts into
 * the cluster names them so, for all to see.
 */
export function withMirrors(lab: LoadedLab, mirrors: Mirrors): LoadedLab {
  if (Object.keys(mirrors).length === 0) return lab;
  const here = (reference: string) => mirrors[reference] ?? reference;
  const { images } = lab.needs;
  return {
    ...lab,
    mirrors,
    start: lab.start.map(({ name, content }) => ({ name, content: withOtherNames(content, mirrors) })),
    solution: { ...lab.solution, script: withOtherNames(lab.solution.script, mirrors) },
    needs: { ...lab.needs, images: { needed: images.needed.map(here), useful: images.useful.map(here) } },
  };
}

/** A manifest or script with the images that there are here. */
export const withOtherNames = (text: string, mirrors: Mirrors): string =>
  text.replaceAll(NAMED, (all, before: string, reference: string) =>
    mirrors[reference] ? `${before}${mirrors[reference]}` : all,
  );

/** A Deployment with the images that there are here. */
export function deployedWith(mirrors: Mirrors | undefined, object: KubeObject): KubeObject {
  const copy = structuredClone(object);
  for (const container of (copy.spec?.template?.spec?.containers ?? []) as { image: string }[])
    container.image = mirrors?.[container.image] ?? container.image;
  return copy;
}
