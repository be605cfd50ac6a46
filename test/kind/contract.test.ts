import { afterAll, describe } from 'vitest';
import { createKindDriver } from '#cluster/kind/driver.ts';
import { Engine } from '#cluster/kind/engine.ts';
import { sweep } from '#cluster/kind/sweep.ts';
import { meshImages } from '#cluster/linkerd/images.ts';
import { describeDriver } from '../contract/support/driver-suite.ts';
import { NODE_IMAGE, skipReason } from './engine-here.ts';

const owner = `contract${process.pid}`;
const TOOLS = 'academy/tools:dev';
/** One answer a connection, with nothing but a shell: what the node image has is what can be run here. */
const HELLO =
  "while :; do printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 6\\r\\nConnection: close\\r\\n\\r\\nhello\\n' | nc -l -p 8080 >/dev/null; done";

/** What is in the Engine is put into the node. */
const missing = skipReason
  ? []
  : await Promise.all(
      (await meshImages()).map(async (image) => ((await new Engine().hasImage(image)) ? [] : [image])),
    ).then((images) => images.flat());
const noMesh = missing.length > 0 ? `the Docker Engine has no ${missing.join(' and no ')}` : undefined;

describe.skipIf(skipReason)('the contract of every driver', () => {
  describeDriver({
    name: 'kind',
    make: () => createKindDriver({ nodeImage: NODE_IMAGE, owner }),
    readyMs: 300_000,
    settleMs: 90_000,
    ...(noMesh ? { noMesh } : {}),
    containers: {
      web: { image: TOOLS, command: ['sh', '-c', HELLO] },
      tool: { image: TOOLS, command: ['sleep', '3600'] },
    },
  });

  afterAll(async () => {
    await sweep(new Engine(), { owner, keep: new Set(), keepPool: false, now: Date.now() });
  });
});
