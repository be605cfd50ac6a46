import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emojivotoImages } from '#kube/images/emojivoto/images.ts';
import type { NetNs } from '#kube/network/network.ts';
import { ImageWorld, type Started } from './world.ts';

const [web, emojiSvc, votingSvc] = emojivotoImages as [(typeof emojivotoImages)[0], ...typeof emojivotoImages];
let world: ImageWorld;
let client: NetNs;
let front: NetNs;
let voting: Started;

async function bringUp(tag = 'v11', env: Record<string, string> = {}): Promise<Started> {
  const emojiNet = world.pod('emoji');
  const votingNet = world.pod('voting');
  front = world.pod('web');
  const ports = { GRPC_PORT: '8080', PROM_PORT: '8801' };
  const emoji = world.start(emojiSvc!, emojiNet, { env: ports, tag });
  voting = world.start(votingSvc!, votingNet, { env: { ...ports, ...env }, tag });
  const site = world.start(web, front, {
    env: { WEB_PORT: '8080', EMOJISVC_HOST: `${emojiNet.ip}:8080`, VOTINGSVC_HOST: `${votingNet.ip}:8080` },
    tag,
  });
  await Promise.all([emoji, voting].map((one) => one.printed(/Starting prom metrics/)));
  await site.printed(/Starting web server/);
  return site;
}

beforeEach(() => {
  world = new ImageWorld();
  client = world.pod('client');
});
afterEach(() => world.stop());

describe('emojivoto', () => {
  it('lists, votes and counts over gRPC', async () => {
    await bringUp();
    const get = (path: string) => world.call(client, `http://${front.ip}:8080${path}`);
    const list = JSON.parse((await get('/api/list')).body.toString());
    expect(list).toHaveLength(99);
    expect(list[0]).toEqual({ shortcode: ':joy:', unicode: '😂' });
    for (const choice of [':joy:', ':joy:', ':pizza:']) {
      const { status, body } = await get(`/api/vote?choice=${choice}`);
      expect([status, body.length]).toEqual([200, 0]);
    }
    expect(JSON.parse((await get('/api/leaderboard')).body.toString())).toEqual([
      { shortcode: ':joy:', unicode: '😂', votes: '2' },
      { shortcode: ':pizza:', unicode: '🍕', votes: '1' },
    ]);
    expect((await get('/api/vote?choice=:none:')).status).toBe(400);
    expect((await get('/')).body.toString()).toContain('<title>Emoji Vote</title>');
  });

  it('always fails for the doughnut up to v11, and by FAILURE_RATE later', async () => {
    const site = await bringUp('v11', { FAILURE_RATE: '0' });
    const { status, body } = await world.call(client, `http://${front.ip}:8080/api/vote?choice=:doughnut:`);
    expect([status, JSON.parse(body.toString())]).toEqual([500, { error: 'rpc error: code = Unknown desc = ERROR' }]);
    expect(site.stderr()).toContain('rpc error: code = Unknown desc = ERROR');
    expect(voting.stderr()).toContain('logging an error for doughnut');
    await bringUp('v12');
    expect((await world.call(client, `http://${front.ip}:8080/api/vote?choice=:doughnut:`)).status).toBe(200);
  });

  it('has a bot that votes every second, 15 % of the time for the doughnut', async () => {
    await bringUp();
    const bot = world.start(web, client, {
      command: ['emojivoto-vote-bot'],
      env: { WEB_HOST: `${front.ip}:8080` },
    });
    await bot.printed(/^✔ Voting for :\w+:\n✔ Voting for :\w+:\n/);
    bot.process.kill('SIGTERM');
    expect(await bot.process.exited).toBe(2);
  });

  it('answers 500 with the reason when a backend is away', async () => {
    await bringUp();
    voting.process.kill('SIGTERM');
    await voting.process.exited;
    const { status, body } = await world.call(client, `http://${front.ip}:8080/api/vote?choice=:joy:`);
    expect(status).toBe(500);
    expect(body.toString()).toMatch(/code = Unavailable desc = .*connection refused/);
  });
});
