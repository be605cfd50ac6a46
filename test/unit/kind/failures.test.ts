import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lifecycle } from '#base/lifecycle.ts';
import type { StepEvent } from '#cluster/driver.ts';
import { makeCluster } from '#cluster/kind/make.ts';
import { whenLost } from '#cluster/kind/watch-node.ts';
import { clusterSettings } from '#schema/lab.ts';
import { FakeEngine } from './fake-engine.ts';

const settings = clusterSettings.parse({ mesh: 'none' });
const signal = new AbortController().signal;

describe('a bring-up that fails', () => {
  let fake: FakeEngine;
  /** Networks and containers that the Engine has at the moment. */
  let there: Set<string>;

  beforeEach(() => {
    there = new Set();
    fake = new FakeEngine();
    fake.json('GET /images/.*', 200, { Id: 'i', Config: {} });
    fake.on('POST /networks/create', (_req, res, body) => {
      there.add(`network ${(JSON.parse(body) as { Name: string }).Name}`);
      res.writeHead(201, { 'content-type': 'application/json' }).end('{"Id":"n"}');
    });
    fake.on('DELETE /networks/n', (_req, res) => {
      there.delete('network academy-x');
      res.writeHead(204).end();
    });
    fake.on('POST /containers/create', (req, res) => {
      there.add(`container ${new URL(req.url ?? '', 'http://e').searchParams.get('name')}`);
      res.writeHead(201, { 'content-type': 'application/json' }).end('{"Id":"c"}');
    });
    fake.on('DELETE /containers/.*', (req, res) => {
      there.delete(`container ${(req.url ?? '').split('?')[0]!.split('/').at(-1)}`);
      res.writeHead(204).end();
    });
  });
  afterEach(() => fake.close());

  const attempt = async () => {
    const steps: StepEvent[] = [];
    const kind = { nodeImage: 'node:1', toolboxImage: 'box:1', profile: 'restricted' as const, owner: 'o' };
    const made = makeCluster(fake.engine, kind, { id: 'x', settings, signal, onStep: (step) => steps.push(step) });
    const error = await made.then(
      () => undefined,
      (cause: unknown) => cause as { code: string; message: string },
    );
    return { error, failed: steps.filter(({ state }) => state === 'failed') };
  };

  it.each([
    [
      'the network pool exhausted',
      'POST /networks/create',
      404,
      'all predefined address pools have been fully subnetted: could not find an available, non-overlapping IPv4 address pool',
      'driver/network-pool',
      'network',
    ],
    [
      'the disk full',
      'POST /containers/create',
      500,
      'mkdir /var/lib/docker/overlay2/x: no space left on device',
      'driver/disk-full',
      'node',
    ],
    [
      'the image gone meanwhile',
      'POST /containers/create',
      404,
      'No such image: node:1',
      'driver/image-missing',
      'node',
    ],
    ['an address taken', 'POST /containers/[^/]*/start', 403, 'Address already in use', 'driver/address-taken', 'node'],
    [
      'a port taken',
      'POST /containers/[^/]*/start',
      500,
      'driver failed programming external connectivity: Bind for 127.0.0.1:6443 failed: port is already allocated',
      'driver/address-taken',
      'node',
    ],
    [
      'a runtime that refuses',
      'POST /containers/[^/]*/start',
      500,
      'OCI runtime create failed',
      'driver/failed',
      'node',
    ],
  ])('%s: a coded error in its step, and nothing is left', async (_what, route, status, message, code, step) => {
    fake.json(route, status, { message });
    const { error, failed } = await attempt();
    expect(error).toMatchObject({ code });
    expect(failed.map((each) => each.step)).toContain(step);
    expect(failed.map((each) => each.message)).toContain(error?.message);
    expect([...there]).toEqual([]);
  });

  it('the image missing from the start: nothing is made at all', async () => {
    fake.json('GET /images/.*', 404, { message: 'No such image' });
    const { error } = await attempt();
    expect(error).toMatchObject({ code: 'driver/image-missing' });
    expect(fake.requests.filter((request) => request.startsWith('POST'))).toEqual([]);
  });

  it('the Engine restarted in the middle: a coded error', async () => {
    fake.on('POST /containers/[^/]*/start', (req) => req.socket.destroy());
    const { error } = await attempt();
    expect(error).toMatchObject({ code: 'driver/engine' });
    expect([...there]).toEqual([]);
  });
});

describe('a node that is lost', () => {
  let fake: FakeEngine;
  let life: Lifecycle;
  beforeEach(() => {
    fake = new FakeEngine();
    life = new Lifecycle();
  });
  afterEach(async () => {
    await life.close();
    fake.close();
  });
  const running = (is: boolean, more: object = {}) =>
    fake.json('GET /containers/c/json', 200, { State: { Running: is, ...more } });

  it('is told when it ends, with what ended it', async () => {
    running(true);
    fake.on('POST /containers/c/wait', (_req, res) => {
      running(false, { OOMKilled: true });
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"StatusCode":137}');
    });
    await expect(whenLost(fake.engine, 'c', life)).rejects.toMatchObject({
      code: 'driver/node-lost',
      message: expect.stringContaining('more memory'),
    });
  });

  it('is not lost while the Engine restarts and keeps it', async () => {
    let waits = 0;
    running(true);
    const asked = new Promise<void>((resolve) => {
      fake.on('POST /containers/c/wait', (req) => {
        // The first connection is cut, as a restart does; the second finds the node as it was.
        if (waits++ === 0) req.socket.destroy();
        else resolve();
      });
    });
    let told: unknown;
    whenLost(fake.engine, 'c', life).catch((error: unknown) => {
      told = error;
    });
    await asked;
    expect(told).toBeUndefined();
  });

  it('is lost when the Engine comes back without it', async () => {
    running(true);
    fake.on('POST /containers/c/wait', (req) => {
      fake.json('GET /containers/c/json', 404, { message: 'No such container: c' });
      req.socket.destroy();
    });
    await expect(whenLost(fake.engine, 'c', life)).rejects.toMatchObject({ code: 'driver/node-lost' });
  });

  it('is not told to whoever took it down', async () => {
    running(true);
    fake.on('POST /containers/c/wait', () => {});
    let told = false;
    whenLost(fake.engine, 'c', life).catch(() => {
      told = true;
    });
    await expect.poll(() => fake.requests).toContain('POST /containers/c/wait');
    await life.close();
    running(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toBe(false);
  });
});
