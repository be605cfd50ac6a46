import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { httpEchoImage } from '#kube/images/http-echo.ts';
import { nginxImages } from '#kube/images/nginx/nginx.ts';
import type { NetNs } from '#kube/network/network.ts';
import { ImageWorld } from './world.ts';

const nginx = nginxImages[0]!;
let world: ImageWorld;
let pod: NetNs;
let client: NetNs;
beforeEach(() => {
  world = new ImageWorld();
  pod = world.pod('web');
  client = world.pod('client');
});
afterEach(() => world.stop());

const site = (text: string) => ({ volumes: [{ path: '/etc/nginx/conf.d', files: { 'default.conf': text } }] });

describe('nginx', () => {
  it('serves its default page and 404 for the rest', async () => {
    const server = world.start(nginx, pod, { tag: '1.29' });
    await server.printed(/start worker processes/);
    const found = await world.call(client, `http://${pod.ip}/`);
    expect([found.status, found.headers['content-type']]).toEqual([200, 'text/html']);
    expect(found.body.toString()).toContain('<title>Welcome to nginx!</title>');
    expect(found.headers.server).toBe('nginx/1.29.3');
    const missing = await world.call(client, `http://${pod.ip}/nothing`);
    expect(missing.status).toBe(404);
    expect(missing.body.toString()).toContain('<center><h1>404 Not Found</h1></center>');
    await server.printed(/"GET \/nothing HTTP\/1\.1" 404 \d+ "-" "-" "-"\n/);
    expect(server.stderr()).toContain('open() "/usr/share/nginx/html/nothing" failed (2: No such file or directory)');
  });

  it('passes requests on, to a Service found by name when it started', async () => {
    const api = world.pod('api');
    world.start(httpEchoImage, api, { args: ['-listen=:80', '-text=ok'] });
    world.name('api.shop.svc.cluster.local', api);
    const server = world.start(
      nginx,
      pod,
      site(`server {
        listen 8080;
        location / { proxy_pass http://api.shop.svc.cluster.local:80; proxy_set_header X-Host $host; add_header X-By me; }
        location = /health { access_log off; return 200 "healthy\\n"; }
        location /old/ { return 301 /new/; }
        location ~ ^/n/(\\d+)$ { return 200 "number $1"; }
        location /secret { deny all; }
      }`),
    );
    await server.printed(/start worker/);
    const through = await world.call(client, `http://${pod.ip}:8080/orders?x=1`);
    expect([through.status, through.body.toString()]).toEqual([200, 'ok\n']);
    expect(through.headers).toMatchObject({ server: 'nginx/1.29.3', 'x-app-name': 'http-echo', 'x-by': 'me' });
    const text = async (path: string) => (await world.call(client, `http://${pod.ip}:8080${path}`)).body.toString();
    expect(await text('/health')).toBe('healthy\n');
    expect(await text('/n/42')).toBe('number 42');
    expect((await world.call(client, `http://${pod.ip}:8080/secret`)).status).toBe(403);
    const moved = await world.call(client, `http://${pod.ip}:8080/old/x`);
    expect([moved.status, moved.headers.location]).toEqual([301, `http://${pod.ip}:8080/new/`]);
  });

  it('answers 502 when nobody listens behind it', async () => {
    const api = world.pod('api');
    const server = world.start(
      nginx,
      pod,
      site(`server { listen 8080; location / { proxy_pass http://${api.ip}:9; } }`),
    );
    await server.printed(/start worker/);
    const { status, body } = await world.call(client, `http://${pod.ip}:8080/`);
    expect(status).toBe(502);
    expect(body.toString()).toContain('502 Bad Gateway');
    expect(server.stderr()).toMatch(
      /\[error\] 29#29: \*1 connect\(\) failed \(111: Connection refused\) while connecting to upstream, client: 10\.244\.0\.3, server: , request: "GET \/ HTTP\/1\.1", upstream: "http:\/\/10\.244\.0\.4:9\/", host: "10\.244\.0\.2:8080"/,
    );
  });

  it('takes turns between the servers of an upstream, and tries the next when one is away', async () => {
    for (const name of ['a', 'b']) {
      const net = world.pod(name);
      world.start(httpEchoImage, net, { args: ['-listen=:80', `-text=${name}`] });
    }
    const server = world.start(
      nginx,
      pod,
      site(`upstream both { server 10.244.0.4; server 10.244.0.5:80; server 10.244.0.3:81; }
        server { listen 8080; location / { proxy_pass http://both; } }`),
    );
    await server.printed(/start worker/);
    const answers: string[] = [];
    for (let i = 0; i < 6; i++)
      answers.push((await world.call(client, `http://${pod.ip}:8080/`)).body.toString().trim());
    expect(answers).toEqual(['a', 'b', 'a', 'a', 'b', 'a']);
  });

  it('does not start with a name that it cannot find, nor with a directive that it does not know', async () => {
    const nameless = world.start(
      nginx,
      pod,
      site('server {\n listen 80;\n location / { proxy_pass http://nobody; }\n}'),
    );
    expect(await nameless.process.exited).toBe(1);
    expect(nameless.stderr()).toContain(
      'nginx: [emerg] host not found in upstream "nobody" in /etc/nginx/conf.d/default.conf:3',
    );
    const odd = world.start(nginx, pod, site('server {\n listen 80;\n lua_something on;\n}'));
    expect(await odd.process.exited).toBe(1);
    expect(odd.stderr()).toContain('unknown directive "lua_something"');
    const open = world.start(nginx, pod, site('server { listen 80;'));
    expect(await open.process.exited).toBe(1);
    expect(open.stderr()).toContain('unexpected end of file, expecting "}"');
  });

  it('ends gracefully with code 0, and reloads its configuration', async () => {
    const server = world.start(nginx, pod, { command: ['nginx', '-g', 'daemon off;'] });
    await server.printed(/start worker/);
    await world.call(client, `http://${pod.ip}/`);
    server.context.files.writeFile('/etc/nginx/conf.d/default.conf', 'server { listen 81; return 204; }');
    const reload = world.start(nginx, pod, {
      command: ['nginx', '-s', 'reload'],
      sharing: server.context,
      isMain: false,
    });
    expect(await reload.process.exited).toBe(0);
    await expect
      .poll(() =>
        world.call(client, `http://${pod.ip}:81/`).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(204);
    server.process.kill('SIGTERM');
    expect(await server.process.exited).toBe(0);
  });

  it('puts variables into templates', async () => {
    world.start(nginx, pod, {
      env: { PORT: '8081', WORD: 'hello' },
      files: { '/etc/nginx/templates/default.conf.template': 'server { listen ${PORT}; return 200 "${WORD} $host"; }' },
    });
    await expect
      .poll(() =>
        world.call(client, `http://${pod.ip}:8081/`).then(
          ({ body }) => body.toString(),
          () => '',
        ),
      )
      .toBe(`hello ${pod.ip}`);
  });
});
