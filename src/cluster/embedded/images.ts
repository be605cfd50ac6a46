import { kubeImages } from '#kube/images/images.ts';
import type { Image } from '#kube/images/program.ts';
import { controllerImage, proxyImage } from '#mesh/image/images.ts';

/** Every image that the embedded node has: the sample workloads, and the mesh's own. */
export function sampleImages(): Image[] {
  return [...kubeImages(), controllerImage, proxyImage];
}

/** Whether an image is one of the mesh's: those programs need no time to come up. */
export const isMeshImage = (image: Image): boolean => image.repository.startsWith('cr.l5d.io/');
