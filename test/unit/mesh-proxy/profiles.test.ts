import type http from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OutboundTarget } from '#mesh/proxy/discovery.ts';
import type { ServiceProfile } from '#mesh/proxy/service-profile.ts';
import { type PodWorld, request, serve, World } from './world.ts';

const NAME = 'web.shop.svc.cluster.local';
const DST = `${NAME}:80`;
const IP = '10.96.0.7';
const status = (code: number) => ({ min: code, max: code });
const profile: ServiceProfile = {
  routes: [
    { name: 'GET /headers', condition: { pathRegex: '/headers' }, responseClasses: [], isRetryable: false },
    { name: 'GET /bad', condition: { pathRegex: '/bad' }, responseClasses: [], isRetryable: true },
    {
      name: 'GET /odd',
      condition: { pathRegex: '/odd' },
      responseClasses: [{ condition: status(404), isFailure: true }],
      isRetryable: false,
    },
  ],
  budget: { retryRatio: 0, minRetriesPerSecond: 0.3, ttlMs: 10_000 },
  overrides: [],
};

let world: World;
let web: PodWorld;
let client: PodWorld;
const seen: http.IncomingHttpHeaders[] = [];

beforeEach(async () => {
  seen.length = 0;
  world = await World.open();
  web = world.pod('web');
  client = world.pod('client');
  await vi.waitFor(
    () => {
      for (const { log } of [web, client]) expect(log.join('\n')).toContain('Certified identity');
    },
    { timeout: 10_000 },
  );
  serve(web.net, 8080, (req, res) => {
    seen.push(req.headers);
    res.statusCode = req.url === '/bad' ? 503 : req.url === '/odd' ? 404 : 200;
    res.end('answer');
  });
  const target: OutboundTarget = {
    service: { namespace: 'shop', name: 'web', port: 80 },
    authority: DST,
    protocol: 'detect',
    profile,
  };
  world.targets.set(`${IP}:80`, target);
  world.targets.set(DST, target);
  const { ip } = web.net;
  world.endpoints.set(DST, [
    { ip, port: 8080, identity: web.name, opaque: false, h2: true, inboundPort: 4143, weight: 10_000, labels: {} },
  ]);
});
afterEach(() => world.stop());

async function routeLines(pod: PodWorld): Promise<string[]> {
  const { body } = await request(world.fabric.node, pod.net.ip, 4191, '/metrics');
  return body.split('\n').filter((line) => /^route_/.test(line) && !/_(bucket|sum)\{/.test(line));
}

const labels = (direction: string, route: string, more = '') =>
  `{direction="${direction}",dst="${DST}"${route ? `,rt_route="${route}"` : ''}${more}}`;
const response = (code: number, classification: string) =>
  `,status_code="${code}",classification="${classification}",grpc_status="",error=""`;

describe('routes of a ServiceProfile', () => {
  it('are counted by the proxy of the server: matched ones only, every try, by the classes of the route', async () => {
    for (const path of ['/headers', '/headers', '/bad', '/odd', '/other']) await request(client.net, IP, 80, path);
    await vi.waitFor(async () => {
      const lines = await routeLines(web);
      expect(lines.filter((line) => !line.includes('latency'))).toEqual([
        `route_request_total${labels('inbound', 'GET /headers')} 2`,
        `route_request_total${labels('inbound', 'GET /bad')} 4`,
        `route_request_total${labels('inbound', 'GET /odd')} 1`,
        `route_response_total${labels('inbound', 'GET /headers', response(200, 'success'))} 2`,
        `route_response_total${labels('inbound', 'GET /bad', response(503, 'failure'))} 4`,
        `route_response_total${labels('inbound', 'GET /odd', response(404, 'failure'))} 1`,
      ]);
      expect(lines).toContain(
        `route_response_latency_ms_count${labels('inbound', 'GET /bad', ',status_code="503"')} 4`,
      );
    });
  });

  it('are counted by the proxy of the client, with tries apart, and what no route takes', async () => {
    for (const path of ['/headers', '/bad', '/odd', '/other']) await request(client.net, IP, 80, path);
    await vi.waitFor(async () => {
      const lines = await routeLines(client);
      for (const line of [
        `route_request_total${labels('outbound', 'GET /bad')} 1`,
        `route_response_total${labels('outbound', 'GET /bad', response(503, 'failure'))} 1`,
        `route_response_total${labels('outbound', 'GET /odd', response(404, 'failure'))} 1`,
        `route_response_total${labels('outbound', '', response(200, 'success'))} 1`,
        `route_retryable_total${labels('outbound', 'GET /bad')} 4`,
        `route_retryable_total${labels('outbound', 'GET /bad', ',skipped="no_budget"')} 1`,
        `route_retryable_total${labels('outbound', '')} 0`,
        `route_actual_request_total${labels('outbound', 'GET /bad')} 4`,
        `route_actual_response_total${labels('outbound', 'GET /bad', response(503, 'failure'))} 4`,
        `route_actual_response_total${labels('outbound', '', response(200, 'success'))} 1`,
      ]) {
        expect(lines).toContain(line);
      }
    });
  });

  it('decide on both sides what counts as a failure of the workload', async () => {
    await request(client.net, IP, 80, '/odd');
    await vi.waitFor(async () => {
      for (const pod of [web, client]) {
        const { body } = await request(world.fabric.node, pod.net.ip, 4191, '/metrics');
        expect(body).toMatch(/^response_total\{.*status_code="404",classification="failure"/m);
      }
    });
  });

  it('are found by the name in the request where no proxy gives one, and not for names outside of the cluster', async () => {
    const stranger = world.stranger();
    const ask = (host: string) => request(stranger, web.net.ip, 8080, '/headers', { headers: { host } });
    await ask('web');
    await ask('example.org');
    await ask(NAME);
    await vi.waitFor(async () => {
      expect(await routeLines(web)).toContain(`route_request_total${labels('inbound', 'GET /headers')} 1`);
    });
  });

  it('the application learns who asks and for what', async () => {
    await request(client.net, IP, 80, '/headers', { headers: { 'l5d-client-id': 'somebody else' } });
    expect(seen[0]).toMatchObject({ 'l5d-client-id': client.name, 'l5d-dst-canonical': DST });
  });
});
