import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { anchor, issuerUnder, type PodWorld, request, serve, World } from './world.ts';

let world: World;

beforeEach(async () => {
  world = new World();
  const root = await anchor();
  world.startIdentity(root, await issuerUnder(root));
});
afterEach(() => world.stop());

const certified = (log: string[]) => vi.waitFor(() => expect(log.join('\n')).toContain('Certified identity'));

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
    await Promise.all([certified(api.log), certified(web.log)]);
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
    await certified(api.log);
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
