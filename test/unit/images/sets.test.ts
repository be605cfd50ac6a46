import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agnhostImage } from '#kube/images/agnhost.ts';
import { bbImages } from '#kube/images/bb.ts';
import { booksappImages } from '#kube/images/booksapp/images.ts';
import { facesImages } from '#kube/images/faces/images.ts';
import { GrpcClient } from '#kube/images/grpc/client.ts';
import { numberOf } from '#kube/images/grpc/protobuf.ts';
import { kubeImages } from '#kube/images/images.ts';
import { slowCookerImages } from '#kube/images/slow-cooker.ts';
import type { NetNs } from '#kube/network/network.ts';
import { ImageWorld } from './world.ts';

let world: ImageWorld;
let client: NetNs;
beforeEach(() => {
  world = new ImageWorld();
  client = world.pod('client');
});
afterEach(() => world.stop());

const json = async (url: string, options = {}) => {
  const { status, body } = await world.call(client, url, options);
  return { status, value: body.length > 0 ? JSON.parse(body.toString()) : undefined };
};

describe('booksapp', () => {
  async function bringUp(failureRate?: string) {
    const [app, traffic] = booksappImages as [(typeof booksappImages)[0], (typeof booksappImages)[0]];
    const nets = { webapp: world.pod('webapp'), authors: world.pod('authors'), books: world.pod('books') };
    const env = {
      AUTHORS_SITE: `http://${nets.authors.ip}:7001`,
      BOOKS_SITE: `http://${nets.books.ip}:7002`,
    };
    const started = {
      webapp: world.start(app, nets.webapp, { args: ['prod:webapp'], env }),
      authors: world.start(app, nets.authors, {
        args: ['prod:authors'],
        env: { ...env, ...(failureRate ? { FAILURE_RATE: failureRate } : {}) },
      }),
      books: world.start(app, nets.books, { args: ['prod:books'], env }),
    };
    await Promise.all(Object.values(started).map((one) => one.printed(/Sinatra has taken the stage/)));
    return { nets, traffic };
  }

  it('serves books and authors as JSON and pages', async () => {
    const { nets } = await bringUp();
    const books = `http://${nets.books.ip}:7002`;
    expect((await json(`${books}/books.json?author_id=3&order=lower(title)`)).value).toEqual([
      { title: '1Q84', pages: 1184, author_id: 3, id: 3 },
      { title: 'Kafka on the Shore', pages: 436, author_id: 3, id: 4 },
    ]);
    const made = await json(`${books}/books.json`, {
      method: 'POST',
      body: JSON.stringify({ title: 'New', pages: 10, author_id: 3 }),
    });
    expect(made).toMatchObject({ status: 201, value: { title: 'New' } });
    const unknown = await json(`${books}/books.json`, {
      method: 'POST',
      body: JSON.stringify({ title: 'Lost', pages: 10, author_id: 999 }),
    });
    expect(unknown).toEqual({ status: 422, value: { author_id: ['does not exist'] } });
    const page = await world.call(client, `http://${nets.webapp.ip}:7000/`);
    expect(page.body.toString()).toContain('Left Hand of Darkness, The');
    expect((await world.call(client, `http://${nets.webapp.ip}:7000/ping`)).body.toString()).toBe('pong');
  });

  it('fails creations of books at the rate of the authors, and reads at none', async () => {
    const { nets } = await bringUp('0.5');
    const body = JSON.stringify({ title: 'Try', pages: 1, author_id: 1 });
    const statuses: number[] = [];
    for (let i = 0; i < 120; i++)
      statuses.push(
        (await world.call(client, `http://${nets.books.ip}:7002/books.json`, { method: 'POST', body })).status,
      );
    const failed = statuses.filter((status) => status === 500).length;
    expect(failed).toBeGreaterThan(30);
    expect(failed).toBeLessThan(90);
    expect((await world.call(client, `http://${nets.books.ip}:7002/books.json`)).status).toBe(200);
  });

  it('has a customer who makes and deletes books without end', async () => {
    const { nets, traffic } = await bringUp();
    const bot = world.start(traffic, client, { args: ['-initial-delay=0s', '-sleep=1ms', `${nets.webapp.ip}:7000`] });
    await bot.printed(/(303\tPOST\t\S+\/books\/\d+\/delete\n[\s\S]*?){2}/);
    expect(bot.stdout()).toMatch(/\t204\tGET\t\S+\/reset\n/);
    expect(bot.stdout()).not.toContain('ERR');
  });
});

describe('faces', () => {
  const image = (name: string) => facesImages.find(({ repository }) => repository.endsWith(`/faces-${name}`))!;

  async function bringUp(env: { smiley?: Record<string, string>; color?: Record<string, string> } = {}) {
    const nets = { face: world.pod('face'), smiley: world.pod('smiley'), color: world.pod('color') };
    const smiley = world.start(image('smiley'), nets.smiley, { env: env.smiley ?? {} });
    const color = world.start(image('color'), nets.color, { env: env.color ?? {} });
    const face = world.start(image('face'), nets.face, {
      env: { SMILEY_SERVICE: `${nets.smiley.ip}:8000`, COLOR_SERVICE: `${nets.color.ip}:8000` },
    });
    await Promise.all([
      smiley.printed(/Starting server/),
      face.printed(/Starting server/),
      color.printed(/listening on/),
    ]);
    return { nets, smiley, color };
  }

  it('draws a grinning cell on blue', async () => {
    const { nets } = await bringUp();
    const { status, value } = await json(`http://${nets.face.ip}:8000/center/?row=0&col=1`);
    expect(status).toBe(200);
    expect(value).toMatchObject({ smiley: '&#x1F603;', color: '#66CCEE', path: '/center/' });
    expect(value).not.toHaveProperty('errors');
  });

  it('shows failures of its backends in the cell', async () => {
    const { nets } = await bringUp({ smiley: { ERROR_FRACTION: '100' }, color: { MAX_RATE: '0.1' } });
    const { value } = await json(`http://${nets.face.ip}:8000/edge/?row=0&col=0`);
    expect(value).toMatchObject({ smiley: '&#x1F92C;', color: '#CCBB44' });
    expect(value.errors).toHaveLength(2);
  });

  it('latches into its error state', async () => {
    const { nets } = await bringUp({ smiley: { ERROR_FRACTION: '100', LATCH_FRACTION: '100' } });
    const ask = async () => (await world.call(client, `http://${nets.smiley.ip}:8000/center/`)).status;
    expect(await ask()).toBe(599);
    expect(await ask()).toBe(599);
  });

  it('has a page, and passes /face/ on', async () => {
    const { nets } = await bringUp();
    const gui = world.pod('gui');
    const started = world.start(image('gui'), gui, { env: { FACE_SERVICE: `${nets.face.ip}:8000` } });
    await started.printed(/Starting server/);
    expect((await world.call(client, `http://${gui.ip}:8000/ready`)).body.toString()).toBe('Ready and waiting!');
    const { value } = await json(`http://${gui.ip}:8000/face/center/?row=0&col=0`);
    expect(value).toMatchObject({ smiley: '&#x1F603;' });
  });
});

describe('bb and slow_cooker', () => {
  it('chains HTTP to gRPC', async () => {
    const [bb] = bbImages;
    const end = world.pod('end');
    const middle = world.pod('middle');
    world.start(bb!, end, { args: ['terminus', '--grpc-server-port', '9090', '--response-text', 'BANANA'] });
    const channel = world.start(bb!, middle, {
      args: ['point-to-point-channel', '--grpc-downstream-server', `${end.ip}:9090`, '--h1-server-port', '8080'],
    });
    await channel.printed(/HTTP 1.1 server listening on port \[8080\]/);
    const { status, value } = await json(`http://${middle.ip}:8080/`);
    expect(status).toBe(200);
    expect(value).toMatchObject({ payload: 'BANANA' });
    expect(value.requestUID).toMatch(/^in:http-sid:point-to-point-channel-grpc:-1-h1:8080-\d+$/);
  });

  it('injects failures', async () => {
    const pod = world.pod('bad');
    const bad = world.start(bbImages[0]!, pod, {
      args: ['terminus', '--h1-server-port=8080', '--percent-failure=100', '--id=bad'],
    });
    await bad.printed(/listening/);
    const { status, body } = await world.call(client, `http://${pod.ip}:8080/`);
    expect([status, body.toString()]).toEqual([500, 'error handling http request: this error was injected by [bad]\n']);
  });

  it('reports its load', async () => {
    const pod = world.pod('end');
    world.start(bbImages[0]!, pod, { args: ['terminus', '--h1-server-port=8080', '--response-text=x'] });
    const cooker = world.start(slowCookerImages[0]!, client, {
      args: ['-qps', '10', '-interval', '1s', `http://${pod.ip}:8080/`],
    });
    await cooker.printed(/^# sending 10 GET req\/s with concurrency=1/);
    await cooker.printed(/Z +\d+\/0\/0 10 +\d+% 1s +\d+ \[ *\d+ +\d+ +\d+ +\d+ \]/);
  });
});

describe('agnhost', () => {
  it('says who it is, echoes, and connects', async () => {
    const pod = world.pod('net');
    world.start(agnhostImage, pod, { args: ['netexec', '--http-port=8080'] });
    const get = async (path: string) => (await world.call(client, `http://${pod.ip}:8080${path}`)).body.toString();
    expect(await get('/hostname')).toBe('net');
    expect(await get('/clientip')).toMatch(new RegExp(`^${client.ip}:\\d+$`));
    expect((await world.call(client, `http://${pod.ip}:8080/echo?msg=no&code=418`)).status).toBe(418);
    const good = world.start(agnhostImage, client, { args: ['connect', `${pod.ip}:8080`] });
    expect(await good.process.exited).toBe(0);
    const bad = world.start(agnhostImage, client, { args: ['connect', `${pod.ip}:81`] });
    expect([await bad.process.exited, bad.stderr()]).toEqual([1, 'REFUSED\n']);
  });

  it('answers gRPC health checks', async () => {
    const pod = world.pod('health');
    world.start(agnhostImage, pod, { args: ['grpc-health-checking'] });
    const grpc = new GrpcClient({ net: client, uid: 0 }, `${pod.ip}:5000`);
    const check = async () => numberOf(await grpc.call('/grpc.health.v1.Health/Check', new Uint8Array()), 1);
    expect(await check()).toBe(1);
    await world.call(client, `http://${pod.ip}:8080/make-not-serving`);
    expect(await check()).toBe(2);
    await expect(grpc.call('/nobody.Knows/This', new Uint8Array())).rejects.toMatchObject({ code: 12 });
    grpc.close();
  });
});

describe('the list', () => {
  it('names every repository once, with a summary', () => {
    const names = kubeImages().map(({ repository }) => repository);
    expect(new Set(names).size).toBe(names.length);
    for (const { summary } of kubeImages()) expect(summary).toMatch(/\S/);
  });
});
