import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { createServer as createTls } from 'node:https';
import { type AddressInfo, connect, createServer as createTcp, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Clock, MovableClock, WallClock } from '#base/clock.ts';
import { createCurl } from '#shell/curl/curl.ts';
import { makeShell, type Outcome, runIn } from './world.ts';

const ports: Record<string, number> = {};
const servers: (Server | TcpServer)[] = [];

function listen(name: string, server: Server | TcpServer): Promise<void> {
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      ports[name] = (server.address() as AddressInfo).port;
      resolve();
    });
  });
}

function answer(req: IncomingMessage, res: ServerResponse): void {
  const url = new URL(req.url ?? '/', 'http://web');
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    switch (url.pathname) {
      case '/hello':
        res.setHeader('X-Which', 'web-1');
        res.end('hello\n');
        return;
      case '/echo':
        res.end(
          JSON.stringify({
            method: req.method,
            url: req.url,
            headers: req.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
        return;
      case '/missing':
        res.statusCode = 404;
        res.end('nothing here\n');
        return;
      case '/moved':
        res.writeHead(302, { location: '/hello' });
        res.end('moved\n');
        return;
      case '/loop':
        res.writeHead(302, { location: '/loop' });
        res.end();
        return;
      case '/slow':
        res.write('first\n');
        return;
      case '/never':
        return;
      case '/cut':
        res.setHeader('content-length', '100');
        res.write('part');
        setTimeout(() => res.destroy(), 20);
        return;
      case '/reset':
        req.socket.resetAndDestroy();
        return;
      case '/big':
        res.end(Buffer.alloc(3_000_000, 'x'));
        return;
      case '/busy':
        res.statusCode = 503;
        res.end();
        return;
      default:
        res.end('ok\n');
    }
  });
}

let folder: string;
let authority: string;

beforeAll(async () => {
  await listen('web', createServer(answer));
  await listen(
    'empty',
    createTcp((socket) => socket.destroy()),
  );
  await listen(
    'noise',
    createTcp((socket) => socket.end('not http at all\r\n\r\n')),
  );
  const http2 = createHttp2((req, res) => res.end(`h2 ${req.method} ${req.url}\n`));
  await listen('h2', http2 as unknown as Server);
  folder = mkdtempSync(join(tmpdir(), 'curl-'));
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  run(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '30',
    '-subj',
    '/CN=ca',
  );
  run(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'web.key',
    '-out',
    'web.csr',
    '-subj',
    '/CN=web',
    '-addext',
    'subjectAltName=DNS:secure',
  );
  run(
    'x509',
    '-req',
    '-in',
    'web.csr',
    '-CA',
    'ca.crt',
    '-CAkey',
    'ca.key',
    '-out',
    'web.crt',
    '-days',
    '10',
    '-copy_extensions',
    'copy',
  );
  authority = readFileSync(join(folder, 'ca.crt'), 'utf8');
  await listen(
    'secure',
    createTls({ key: readFileSync(join(folder, 'web.key')), cert: readFileSync(join(folder, 'web.crt')) }, answer),
  );
});
afterAll(() => {
  for (const server of servers) {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Names of the test's network: each is a server, on its usual port. */
async function curl(
  script: string,
  stdin = '',
  clock: Clock = new WallClock(),
): Promise<Outcome & { files: (name: string) => Promise<string> }> {
  const command = createCurl({
    dial: async (host) => {
      if (host === 'refused') throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
      if (host === 'silent') return new Promise(() => {});
      const port = ports[host];
      if (port === undefined) throw Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
      return new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket));
        socket.once('error', reject);
      });
    },
  });
  const { shell, fs } = await makeShell({
    commands: [command],
    files: { 'ca.crt': authority, body: 'a\nb\n' },
    options: { clock },
  });
  const outcome = await runIn(shell, script, stdin);
  shell.close();
  return { ...outcome, files: (name) => fs.readFile(`/home/learner/${name}`) };
}

describe('output', () => {
  test.each<[script: string, stdout: string, code?: number]>([
    ['curl http://web/hello', 'hello\n'],
    ['curl -s web/hello', 'hello\n'],
    ["curl -s -o /dev/null -w '%{http_code}\\n' http://web/hello", '200\n'],
    [
      "curl -s -o /dev/null -w '%{http_code} %{size_download} %{method} %{scheme} %{num_redirects} %{url_effective} %header{x-which}\\n' http://web/hello",
      '200 6 GET http 0 http://web/hello web-1\n',
    ],
    ['curl -sf http://web/missing; echo $?', '22\n'],
    ['curl -s --fail-with-body http://web/missing; echo $?', 'nothing here\n22\n'],
    ['curl -s http://web/missing; echo $?', 'nothing here\n0\n'],
    ['curl -s http://web/moved; curl -sL http://web/moved', 'moved\nhello\n'],
    ["curl -sL -o /dev/null -w '%{http_code} %{num_redirects}\\n' http://web/moved", '200 1\n'],
    ['curl -s http://web/a http://web/b', 'ok\nok\n'],
    ["curl -s 'http://web/[1-3]' | wc -l", '3\n'],
    ['curl -sI http://web/hello | head -1', 'HTTP/1.1 200 OK\r\n'],
    ["curl -si http://web/hello | grep -i '^x-which'", 'X-Which: web-1\r\n'],
    ['curl -s -X DELETE http://web/echo | jq -r .method', 'DELETE\n'],
    [
      'curl -s -d a=1 -d b=2 http://web/echo | jq -r \'.method, .body, .headers["content-type"]\'',
      'POST\na=1&b=2\napplication/x-www-form-urlencoded\n',
    ],
    ['curl -s --data-binary @body http://web/echo | jq -r .body', 'a\nb\n\n'],
    ['printf piped | curl -s -d @- http://web/echo | jq -r .body', 'piped\n'],
    ["curl -s --json '{\"a\":1}' http://web/echo | jq -r '.body, .headers.accept'", '{"a":1}\napplication/json\n'],
    [
      "curl -s -G -d q=1 --data-urlencode 'r=a b' http://web/echo | jq -r '.method + \" \" + .url'",
      'GET /echo?q=1&r=a%20b\n',
    ],
    [
      "curl -s -H 'X-A: 1' -H 'Host: other' -H 'User-Agent:' http://web/echo | jq -rc '[.headers[\"x-a\"], .headers.host, .headers[\"user-agent\"], .headers.connection]'",
      '["1","other",null,null]\n',
    ],
    ['curl -s -u me:secret http://web/echo | jq -r .headers.authorization', 'Basic bWU6c2VjcmV0\n'],
    [
      'curl -s -A probe -e from -b c=1 http://web/echo | jq -rc \'[.headers["user-agent"], .headers.referer, .headers.cookie]\'',
      '["probe","from","c=1"]\n',
    ],
    ['curl -s -T body http://web/echo | jq -r .method', 'PUT\n'],
    ["curl -s -F a=1 -F f=@body http://web/echo | jq -r .body | grep -c 'form-data'", '2\n'],
    ['curl -s --resolve fake:80:web http://fake/hello', 'hello\n'],
    ['curl -s --http2-prior-knowledge http://h2/path', 'h2 GET /path\n'],
    ["curl -s --http2-prior-knowledge -w '%{http_version}\\n' -o /dev/null http://h2/", '2\n'],
    ['curl -s http://web/big | wc -c', '3000000\n'],
    ['curl -s http://web/big | head -c 3; echo', 'xxx\n'],
    ['curl -s --cacert ca.crt https://secure/hello', 'hello\n'],
    ["curl -sk -o /dev/null -w '%{http_code} %{ssl_verify_result}\\n' https://secure/hello", '200 20\n'],
  ])('%s', async (script, stdout) => {
    expect(await curl(script)).toMatchObject({ stdout, stderr: '', code: 0 });
  });
});

describe('failures', () => {
  test.each<[script: string, code: number, stderr: RegExp]>([
    ['curl http://nowhere/', 6, /^curl: \(6\) Could not resolve host: nowhere\n$/],
    [
      'curl http://refused:8080/',
      7,
      /^curl: \(7\) Failed to connect to refused port 8080 after \d+ ms: Could not connect to server\n$/,
    ],
    ['curl -s http://refused/', 7, /^$/],
    ['curl -sS http://refused/', 7, /^curl: \(7\)/],
    ['curl -f http://web/missing', 22, /^curl: \(22\) The requested URL returned error: 404\n$/],
    ['curl -m 0.05 http://silent/', 28, /^curl: \(28\) Connection timed out after \d+ milliseconds\n$/],
    ['curl --connect-timeout 0.05 http://silent/', 28, /^curl: \(28\) Connection timed out after \d+ milliseconds\n$/],
    [
      'curl -m 0.1 http://web/never',
      28,
      /^curl: \(28\) Operation timed out after \d+ milliseconds with 0 bytes received\n$/,
    ],
    ['curl -m 0.1 http://web/slow', 28, /with 6 bytes received\n$/],
    ['curl http://empty/', 52, /^curl: \(52\) Empty reply from server\n$/],
    ['curl http://web/reset', 56, /^curl: \(56\) Recv failure: Connection reset by peer\n$/],
    ['curl http://web/cut', 18, /^curl: \(18\) end of response with 96 bytes missing\n$/],
    ['curl http://noise/', 1, /^curl: \(1\) Received HTTP\/0.9 when not allowed\n$/],
    ['curl -L --max-redirs 3 http://web/loop', 47, /^curl: \(47\) Maximum \(3\) redirects followed\n$/],
    ['curl https://web/', 35, /^curl: \(35\) TLS connect error: error:0A00010B:SSL routines::wrong version number\n$/],
    [
      'curl https://secure/',
      60,
      /^curl: \(60\) SSL certificate problem: unable to get local issuer certificate\nMore details here/,
    ],
    [
      'curl --cacert ca.crt --resolve wrong:443:secure https://wrong/',
      60,
      /^curl: \(60\) SSL: no alternative certificate subject name matches target host name 'wrong'\n/,
    ],
    ['curl --cacert none https://secure/', 77, /^curl: \(77\) error setting certificate verify locations/],
    ['curl', 2, /no URL specified/],
    ['curl --nope http://web/', 2, /^curl: option --nope: is unknown\n/],
    ['curl -x http://p http://web/', 2, /is not available in this lab's curl/],
    ['curl ftp://web/', 1, /^curl: \(1\) Protocol "ftp" not supported\n$/],
    ['curl -o no/such/file http://web/hello', 23, /Failed to open the file no\/such\/file/],
  ])('%s', async (script, code, stderr) => {
    const outcome = await curl(script);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(stderr);
  });

  test('-w is written after a failure too', async () => {
    expect((await curl("curl -s -o /dev/null -w '%{http_code} %{exitcode} %{errormsg}' http://nowhere/")).stdout).toBe(
      '000 6 Could not resolve host: nowhere',
    );
  });

  test('a certificate is judged at the time of the clock', async () => {
    const script = 'curl --cacert ca.crt https://secure/hello';
    const day = 86_400_000;
    expect((await curl(script)).code).toBe(0);
    const later = await curl(script, '', new MovableClock({ startAtMs: Date.now() + 15 * day }));
    expect(later.code).toBe(60);
    expect(later.stderr).toContain('SSL certificate problem: certificate has expired');
    const earlier = await curl(script, '', new MovableClock({ startAtMs: Date.now() - day }));
    expect(earlier.stderr).toContain('certificate is not yet valid');
  });
});

test('-v tells the exchange on stderr', async () => {
  const { stdout, stderr } = await curl('curl -sv http://web/hello');
  expect(stdout).toBe('hello\n');
  expect(stderr).toContain(
    '* Connected to web (127.0.0.1) port 80\n> GET /hello HTTP/1.1\n> Host: web\n> User-Agent: curl/',
  );
  expect(stderr).toContain('< HTTP/1.1 200 OK\n');
  expect(stderr).toContain('* Connection #0 to host web left intact\n');
});

test('-o, -O and -D write files', async () => {
  const { files } = await curl(
    'curl -s -o out http://web/hello; curl -sO http://web/hello; curl -s -D heads -o /dev/null http://web/hello',
  );
  expect([await files('out'), await files('hello')]).toEqual(['hello\n', 'hello\n']);
  expect(await files('heads')).toMatch(/^HTTP\/1.1 200 OK\r\n/);
});

test('--retry asks again', async () => {
  const outcome = await curl("curl -sS --retry 2 --retry-delay 0 -o /dev/null -w '%{http_code}\\n' http://web/busy");
  expect(outcome.stdout).toBe('503\n');
  expect(outcome.stderr.match(/Will retry/g)).toHaveLength(2);
});
