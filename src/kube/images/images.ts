import { curlImage } from './curl.ts';
import { httpEchoImage } from './http-echo.ts';
import { nginxImages } from './nginx/nginx.ts';
import type { Image } from './program.ts';

/** Every sample workload the embedded node knows, beside the mesh's own images. */
export function kubeImages(): Image[] {
  return [httpEchoImage, curlImage, ...nginxImages];
}
