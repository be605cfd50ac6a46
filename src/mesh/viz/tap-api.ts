import { extend, type Message, type MessageType, message } from '#mesh/api/protobuf.ts';
import { extract, tapEvent } from '#mesh/api/tap-api.ts';

/** What the viz extension's tap API takes and tells: protobuf, each message after its length in four bytes. */

export const GROUP = 'tap.linkerd.io';
export const VERSION = 'v1alpha1';
/** Present in an answer that is an error. */
export const ERROR_HEADER = 'linkerd-error';

const resource = message({ namespace: [1, 'string'], type: [2, 'string'], name: [3, 'string'] });
const selection = message({ resource: [1, resource], label_selector: [2, 'string'] });
const http = message({
  scheme: [1, 'string', 'oneof Match'],
  method: [2, 'string', 'oneof Match'],
  authority: [3, 'string', 'oneof Match'],
  path: [4, 'string', 'oneof Match'],
});
const match: MessageType = message({});
const matches = message({ matches: [1, match, 'repeated'] });
extend(match, {
  all: [1, matches, 'oneof Match'],
  any: [2, matches, 'oneof Match'],
  not: [3, match, 'oneof Match'],
  destinations: [4, selection, 'oneof Match'],
  http: [5, http, 'oneof Match'],
});

export const tapByResourceRequest = message({
  target: [1, selection],
  match: [2, match],
  maxRps: [3, 'float'],
  extract: [4, extract],
});

const header = message({
  name: [1, 'string'],
  value_str: [2, 'string', 'oneof Value'],
  value_bin: [3, 'bytes', 'oneof Value'],
});
export const vizEvent = tapEvent(message({ headers: [1, header, 'repeated'] }));
export const apiError = message({ error: [1, 'string'] });

/** The path that a request must be posted to; RBAC goes by it. */
export function pathOf(request: Message): string {
  const { namespace = '', type = '', name = '' } = request['target']?.resource ?? {};
  const start = `/apis/${GROUP}/${VERSION}/watch/namespaces`;
  if (type === 'namespace') return `${start}/${encodeURIComponent(name)}/tap`;
  return `${start}/${encodeURIComponent(namespace)}/${encodeURIComponent(`${type}s`)}/${encodeURIComponent(name)}/tap`;
}

/** A message as it goes over the wire: four bytes of its length, the lowest first, and itself. */
export function framed(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Cuts such a stream into messages again. */
export async function* unframed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    while (rest.length >= 4) {
      const end = 4 + rest.readUInt32LE(0);
      if (rest.length < end) break;
      yield rest.subarray(4, end);
      rest = rest.subarray(end);
    }
  }
}
