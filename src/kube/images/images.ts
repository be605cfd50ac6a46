import { curlImage } from './curl.ts';
import { emojivotoImages } from './emojivoto/images.ts';
import { httpEchoImage } from './http-echo.ts';
import { nginxImages } from './nginx/nginx.ts';
import type { Image } from './program.ts';
import { pauseImage, smallLinuxImages } from './small-linux.ts';

/** Every sample workload the embedded node knows, beside the mesh's own images. */
export function kubeImages(): Image[] {
  return [httpEchoImage, curlImage, ...smallLinuxImages, ...nginxImages, ...emojivotoImages, pauseImage];
}
