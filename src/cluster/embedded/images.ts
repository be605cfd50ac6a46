import { certsImages } from '#certs/images.ts';
import { kubeImages } from '#kube/images/images.ts';
import type { Image } from '#kube/images/program.ts';
import { controllerImage, metricsApiImage, prometheusImage, proxyImage, tapImage } from '#mesh/image/images.ts';

/** Every image that the embedded node has: the sample workloads, the mesh's own, and who keeps certificates for it. */
export function sampleImages(): Image[] {
  return [...kubeImages(), controllerImage, proxyImage, tapImage, metricsApiImage, prometheusImage, ...certsImages];
}

/**
 * Whether an image is one of the mesh's, or of those that keep its certificates: their programs need no time to come up,
 * and while the clock is moved their timers fire at their own instants.
 */
export const isMeshImage = (image: Image): boolean =>
  image.repository.startsWith('cr.l5d.io/') || certsImages.includes(image);
