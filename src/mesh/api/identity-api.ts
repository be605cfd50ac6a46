import type { Method } from './grpc.ts';
import { message } from './protobuf.ts';
import { timestamp } from './types.ts';

/** io.linkerd.proxy.identity.Identity */
export const CERTIFY: Method = {
  path: '/io.linkerd.proxy.identity.Identity/Certify',
  request: message({ identity: [1, 'string'], token: [2, 'bytes'], certificate_signing_request: [3, 'bytes'] }),
  response: message({
    leaf_certificate: [1, 'bytes'],
    intermediate_certificates: [2, 'bytes', 'repeated'],
    valid_until: [3, timestamp],
  }),
};
