import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bakeNode } from '#cluster/kind/bake.ts';
import { buildImage } from '#cluster/kind/build-image.ts';
import { createKindDriver } from '#cluster/kind/driver.ts';
import { Engine } from '#cluster/kind/engine.ts';
import { imageSize, loadImages, saveImages } from '#cluster/kind/image-store.ts';
import { sweep } from '#cluster/kind/sweep.ts';
import type { Target } from '#kube/client/client.ts';
import { clusterSettings } from '#schema/lab.ts';
import { NODE_IMAGE, skipReason } from './engine-here.ts';

const never = new AbortController().signal;
const quiet = () => {};

describe.skipIf(skipReason)('images of a classroom', () => {
  const engine = new Engine();
  const owner = `images${process.pid}`;
  const small = `academy-test/small:${process.pid}`;
  const baked = `academy-test/node:${process.pid}`;
  const folder = mkdtempSync(join(tmpdir(), 'academy-images-'));
  const forget = (image: string) => engine.docker.getImage(image).remove({ force: true }).catch(quiet);

  beforeAll(async () => {
    // A program that waits, without any library: the one that holds a pod's namespaces.
    const container = await engine.createContainer({
      name: `${owner}-pause`,
      Image: NODE_IMAGE,
      Entrypoint: ['sleep', '60'],
    });
    try {
      await engine.start(container);
      const snapshots = '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots';
      const pause = await engine.run(container, ['sh', '-c', `base64 ${snapshots}/*/fs/pause`]);
      writeFileSync(join(folder, 'pause'), Buffer.from(pause, 'base64'), { mode: 0o755 });
    } finally {
      await engine.remove(container);
    }
    writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n');
    await buildImage(engine, { context: folder, tag: small, onLine: quiet });
  }, 60_000);
  afterAll(async () => {
    await sweep(engine, { owner, keep: new Set(), keepPool: false, now: Date.now() });
    await forget(small);
    await forget(baked);
    rmSync(folder, { recursive: true });
  });

  it('go into one file and come back from it', async () => {
    const file = join(folder, 'classroom.tar');
    await saveImages(engine, [small], file);
    expect(statSync(file).size).toBeGreaterThan(1_000);
    await forget(small);
    expect(await imageSize(engine, small)).toBeUndefined();
    const said: string[] = [];
    await loadImages(engine, file, (line) => said.push(line));
    expect(said.join('\n')).toContain(small);
    expect(await imageSize(engine, small)).toBeGreaterThan(0);
  });

  it('that are missing, or a file that is no archive, are named; nothing half is left', async () => {
    const file = join(folder, 'not.tar');
    await expect(saveImages(engine, ['academy-test/none:0'], file)).rejects.toMatchObject({ code: 'driver/failed' });
    expect(() => statSync(`${file}.partial`)).toThrow();
    writeFileSync(file, 'this is no archive'.repeat(100));
    await expect(loadImages(engine, file, quiet)).rejects.toMatchObject({ code: 'driver/failed' });
    await expect(loadImages(engine, join(folder, 'none'), quiet)).rejects.toMatchObject({ code: 'request/invalid' });
    writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY nothing-such /x\n');
    await expect(
      buildImage(engine, { context: folder, tag: 'academy-test/bad:0', onLine: quiet }),
    ).rejects.toMatchObject({
      code: 'driver/failed',
      message: expect.stringContaining('nothing-such'),
    });
  });

  it('can be baked into a node, which then runs them with no registry to ask', { timeout: 120_000 }, async () => {
    await bakeNode(engine, { nodeImage: NODE_IMAGE, images: [small], tag: baked, onLine: quiet });
    expect(await engine.docker.listContainers({ all: true, filters: { name: ['academy-bake'] } })).toEqual([]);
    const settings = clusterSettings.parse({ mesh: 'none' });
    const driver = createKindDriver({ nodeImage: baked, owner }, engine);
    const cluster = await driver.create({ id: `baked${process.pid}`, settings, signal: never, onStep: quiet });
    try {
      const pods: Target = { group: '', version: 'v1', resource: 'pods', namespace: 'default' };
      const accounts: Target = { ...pods, resource: 'serviceaccounts' };
      const isThere = () =>
        cluster.admin.get(accounts, 'default').then(
          () => true,
          () => false,
        );
      await expect.poll(isThere, { timeout: 20_000 }).toBe(true);
      await cluster.admin.create(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'small', namespace: 'default' },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [{ name: 'small', image: small, imagePullPolicy: 'Never' }],
        },
      });
      const phase = async () => (await cluster.admin.get(pods, 'small')).status?.phase;
      await expect.poll(phase, { timeout: 30_000 }).toBe('Running');
    } finally {
      await cluster.destroy();
    }
  });
});
