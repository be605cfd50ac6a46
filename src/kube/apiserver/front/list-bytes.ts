import type { KubeList, KubeObject } from '#kube/api/types.ts';

/** What is kept of written objects before it starts anew, bytes: about 1,500 pods. */
const KEPT_BYTES = 8 * 1024 * 1024;

let written = new WeakMap<KubeObject, Buffer>();
let kept = 0;

/** A list of stored objects as JSON, in pieces. They never change, so each is written once, however often it is listed. */
export function listBytes({ items, ...head }: KubeList): Buffer[] {
  const start = JSON.stringify(head).slice(0, -1);
  return [
    Buffer.from(`${start},"items":[`),
    ...items.map((item, index) => (index === 0 ? bytesOf(item).subarray(1) : bytesOf(item))),
    Buffer.from(']}\n'),
  ];
}

/** With the comma that stands before all but the first. */
function bytesOf(object: KubeObject): Buffer {
  let bytes = written.get(object);
  if (!bytes) {
    bytes = Buffer.from(`,${JSON.stringify(object)}`);
    kept += bytes.length;
    if (kept > KEPT_BYTES) {
      written = new WeakMap();
      kept = bytes.length;
    }
    written.set(object, bytes);
  }
  return bytes;
}
