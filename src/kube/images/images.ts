import { agnhostImage } from './agnhost.ts';
import { bbImages } from './bb.ts';
import { booksappImages } from './booksapp/images.ts';
import { curlImage } from './curl.ts';
import { emojivotoImages } from './emojivoto/images.ts';
import { facesImages } from './faces/images.ts';
import { httpEchoImage } from './http-echo.ts';
import { httpbinImages } from './httpbin/images.ts';
import { linkerdDebugImage } from './linkerd-debug.ts';
import { nginxImages } from './nginx/nginx.ts';
import { podinfoImages } from './podinfo.ts';
import type { Image } from './program.ts';
import { slowCookerImages } from './slow-cooker.ts';
import { grpcurlImage, pauseImage, smallLinuxImages } from './small-linux.ts';
import { smallServerImages } from './small-servers.ts';
import { tcpEchoImage } from './tcp-echo.ts';

/** Every sample workload the embedded node knows, beside the mesh's own images. */
export function kubeImages(): Image[] {
  return [
    httpEchoImage,
    curlImage,
    ...smallLinuxImages,
    ...nginxImages,
    ...httpbinImages,
    ...emojivotoImages,
    ...booksappImages,
    ...facesImages,
    ...bbImages,
    ...podinfoImages,
    ...smallServerImages,
    ...slowCookerImages,
    grpcurlImage,
    agnhostImage,
    linkerdDebugImage,
    tcpEchoImage,
    pauseImage,
  ];
}
