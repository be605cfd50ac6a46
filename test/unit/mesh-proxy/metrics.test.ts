import http2 from 'node:http2';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { certified } from './certified.ts';
import { type PodWorld, request, serve, World } from './world.ts';

let world: World;

beforeEach(async () => {
  world = await World.open();
});
afterEach(() => world.stop());

/** Lines of a proxy's metrics of this family, without bounds that nothing reached. */
async function family(pod: PodWorld, name: string): Promise<string[]> {
  const { body } = await request(world.fabric.node, pod.net.ip, 4191, '/metrics');
  return body.split('\n').filter((line) => new RegExp(`^(# (HELP|TYPE|UNIT) )?${name}`).test(line));
}

const PARENT =
  'parent_group="",parent_kind="default",parent_name="all-unauthenticated",parent_port="8080",route_group="",route_kind="default",route_name="default"';

describe('frame sizes', () => {
  it('are counted of bodies both ways, in bytes, and there is a series where nobody sent any', async () => {
    const api = world.pod('api');
    const web = world.pod('web');
    world.meshed(api, 8080);
    await Promise.all([certified(api), certified(web)]);
    serve(api.net, 8080, (req, res) => {
      let size = 0;
      req.on('data', (chunk: Buffer) => (size += chunk.length));
      req.on('end', () => res.end(size === 0 ? '' : 'x'.repeat(200)));
    });
    await request(web.net, api.net.ip, 8080, '/');
    expect(await family(api, 'inbound_http_request_frame_size_bytes')).toEqual([
      '# HELP inbound_http_request_frame_size_bytes Request data frame sizes.',
      '# TYPE inbound_http_request_frame_size_bytes histogram',
      '# UNIT inbound_http_request_frame_size_bytes bytes',
      `inbound_http_request_frame_size_bytes_sum{${PARENT}} 0.0`,
      `inbound_http_request_frame_size_bytes_count{${PARENT}} 0`,
      ...['128.0', '1024.0', '10240.0', '+Inf'].map(
        (le) => `inbound_http_request_frame_size_bytes_bucket{le="${le}",${PARENT}} 0`,
      ),
    ]);
    await request(web.net, api.net.ip, 8080, '/', { method: 'POST', body: 'four' });
    const requests = await family(api, 'inbound_http_request_frame_size_bytes');
    expect(requests).toContain(`inbound_http_request_frame_size_bytes_sum{${PARENT}} 4.0`);
    expect(requests).toContain(`inbound_http_request_frame_size_bytes_bucket{le="128.0",${PARENT}} 1`);
    const answers = await family(api, 'inbound_http_response_frame_size_bytes');
    expect(answers).toContain('# HELP inbound_http_response_frame_size_bytes Response data frame sizes.');
    expect(answers).toContain(`inbound_http_response_frame_size_bytes_sum{${PARENT}} 200.0`);
    expect(answers).toContain(`inbound_http_response_frame_size_bytes_bucket{le="128.0",${PARENT}} 0`);
    expect(answers).toContain(`inbound_http_response_frame_size_bytes_bucket{le="1024.0",${PARENT}} 1`);
  });

  it('add up to a body of megabytes that goes on its way as it comes', async () => {
    const api = world.pod('api');
    await certified(api);
    const size = 3 * 1024 * 1024;
    serve(api.net, 8080, (req, res) => req.pipe(res));
    const { body } = await request(world.stranger(), api.net.ip, 8080, '/', { method: 'POST', body: 'y'.repeat(size) });
    expect(body.length).toBe(size);
    const sum = `{${PARENT}} ${size}.0`;
    expect(await family(api, 'inbound_http_request_frame_size')).toContain(
      `inbound_http_request_frame_size_bytes_sum${sum}`,
    );
    expect(await family(api, 'inbound_http_response_frame_size')).toContain(
      `inbound_http_response_frame_size_bytes_sum${sum}`,
    );
  });
});

describe('a Server of gRPC', () => {
  it('has families of its own, by the status that followed the answer', async () => {
    const api = world.pod('api');
    const web = world.pod('web');
    world.meshed(api, 8080);
    await Promise.all([certified(api), certified(web)]);
    world.policies.get(`${api.net.ip}:8080`)!({ ...world.policyOf(8080), protocol: 'grpc' });
    const server = http2.createServer();
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '5' }));
      stream.end(Buffer.alloc(12));
    });
    api.net.listen(8080, (connection) => server.emit('connection', connection));
    const connection = await web.net.dial(api.net.ip, 8080, { uid: 0 });
    const session = http2.connect('http://api', { createConnection: () => connection as never });
    const stream = session.request({ ':method': 'POST', ':path': '/svc/Call', 'content-type': 'application/grpc' });
    stream.end(Buffer.alloc(7));
    stream.resume();
    await new Promise((resolve) => stream.on('close', resolve));
    session.destroy();
    await vi.waitFor(async () =>
      expect(await family(api, 'inbound_grpc_(requests|statuses)')).toEqual([
        '# HELP inbound_grpc_requests The total number of requests dispatched.',
        '# TYPE inbound_grpc_requests counter',
        `inbound_grpc_requests_total{${PARENT}} 1`,
        '# HELP inbound_grpc_statuses Completed gRPC responses.',
        '# TYPE inbound_grpc_statuses counter',
        `inbound_grpc_statuses_total{${PARENT},status="5"} 1`,
      ]),
    );
    expect(await family(api, 'inbound_grpc_request_frame_size_bytes_sum')).toEqual([
      `inbound_grpc_request_frame_size_bytes_sum{${PARENT}} 7.0`,
    ]);
    expect(await family(api, 'inbound_grpc_response_frame_size_bytes_sum')).toEqual([
      `inbound_grpc_response_frame_size_bytes_sum{${PARENT}} 12.0`,
    ]);
    expect(await family(api, 'inbound_http_requests')).toEqual([]);
  });
});
