import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { MAX_FILE_BYTES } from '#schema/protocol.ts';
import { TestAcademy, type TestLearner, type TestPage } from '../support/academy.ts';

const LAB = 'default-deny';

describe('what a stranger may send', () => {
  const academy = new TestAcademy();
  let learner: TestLearner;
  let page: TestPage;

  beforeAll(async () => {
    await academy.start();
    learner = academy.learner();
    await learner.startLab(LAB);
    page = learner.connect(LAB);
    await page.openTerminal();
    await page.until(() => page.session?.state === 'ready', 60_000, 'the lab to be ready');
  });
  afterAll(async () => {
    page.close();
    await academy.remove();
  });

  const errorOf = async (response: Response) => ({
    status: response.status,
    code: ((await response.json()) as { error: { code: string } }).error.code,
  });
  const nextError = async (send: () => void) => {
    const before = page.messages.length;
    const error = () => page.messages.slice(before).find((message) => message.type === 'error');
    send();
    await page.until(() => error() !== undefined, 10_000, 'an error message');
    return error()!.error;
  };

  it('an unknown lab', async () => {
    const response = await learner.fetch('/api/labs/no-such-lab/session', { method: 'POST' });
    expect(await errorOf(response)).toEqual({ status: 404, code: 'lab/unknown' });
  });

  it.each(['..%2f..%2f..%2fetc', 'default-deny%00', 'DEFAULT-DENY'])('the lab name %s', async (name) => {
    const response = await learner.fetch(`/api/labs/${name}/session`, { method: 'POST' });
    expect(await errorOf(response)).toEqual({ status: 404, code: 'lab/unknown' });
  });

  it.each(['/..%2f..%2fpackage.json', '/%2e%2e/%2e%2e/package.json', '/..%5c..%5cpackage.json'])(
    'the address %s',
    async (path) => {
      const response = await learner.fetch(path);
      expect(response.status).toBe(404);
      expect(await response.text()).not.toContain('"dependencies"');
    },
  );

  it('a request from another site', async () => {
    const headers = { origin: 'https://elsewhere.example' };
    const response = await learner.fetch(`/api/labs/${LAB}/session`, { method: 'POST', headers });
    expect(await errorOf(response)).toEqual({ status: 403, code: 'request/origin' });
  });

  it('a session id that nobody was given', async () => {
    const thief = academy.learner();
    thief.cookie = 'academy_learner=AAAAAAAAAAAAAAAAAAAAAA';
    expect(await errorOf(await thief.fetch(`/api/labs/${LAB}/session`))).toEqual({
      status: 404,
      code: 'session/unknown',
    });
    const stolen = thief.connect(LAB);
    await stolen.until(() => stolen.closed !== undefined, 5_000, 'the refusal');
    expect(stolen.closed).toEqual({ status: 404 });
  });

  it('a WebSocket from another site, or from none', async () => {
    for (const origin of ['https://elsewhere.example', '']) {
      const foreign = learner.connect(LAB, { headers: { origin } });
      await foreign.until(() => foreign.closed !== undefined, 5_000, 'the refusal');
      expect(foreign.closed).toEqual({ status: 403 });
    }
  });

  it.each([
    ['no JSON', '{'],
    ['an unknown type', '{"type":"sudo"}'],
    ['a field too many', '{"type":"ping","extra":1}'],
    ['a terminal of impossible size', '{"type":"terminal.open","terminal":"t","columns":1e9,"rows":1}'],
    ['a terminal name that is a path', '{"type":"terminal.open","terminal":"../x","columns":80,"rows":24}'],
    ['a paste over the limit', JSON.stringify({ type: 'terminal.input', terminal: 'main', data: 'x'.repeat(70_000) })],
    ['bytes', new Uint8Array([1, 2, 3])],
  ])('a frame with %s', async (_what, frame) => {
    expect((await nextError(() => page.sendRaw(frame))).code).toBe('request/invalid');
    expect(await page.run('echo still $((6*7))')).toContain('still 42');
  });

  it.each(['../outside', '/etc/passwd', 'a/../../b', 'a\\b', 'con\u0000trol', ' '])(
    'a file called %j',
    async (path) => {
      expect((await nextError(() => page.send({ type: 'file.write', path, content: 'x' }))).code).toBe('file/name');
    },
  );

  it('a file over the limit', async () => {
    const content = 'x'.repeat(MAX_FILE_BYTES + 1);
    expect((await nextError(() => page.send({ type: 'file.write', path: 'big.txt', content }))).code).toBe(
      'file/too-large',
    );
    expect(await page.run('ls big.txt')).toContain('No such file');
  });

  it('twenty frames that make no sense: that page is closed, the session is not', async () => {
    const second = learner.connect(LAB);
    await second.until(() => second.session !== undefined, 5_000, 'the session');
    for (let i = 0; i < 20; i++) second.sendRaw('nonsense');
    await second.until(() => second.closed !== undefined, 5_000, 'the close');
    expect(second.closed).toEqual({ code: 1008 });
    expect(await page.run('echo here')).toContain('here');
  });

  it('a clock that may not be moved', async () => {
    expect((await nextError(() => page.send({ type: 'clock.advance', ms: 1000 }))).code).toBe('request/invalid');
  });

  it('YAML and resources that are wrong', async () => {
    page.send({ type: 'file.write', path: 'bad.yaml', content: 'kind: [unclosed' });
    page.send({
      type: 'file.write',
      path: 'wrong.yaml',
      content:
        'apiVersion: policy.linkerd.io/v1beta3\nkind: Server\nmetadata: { name: x, namespace: shop }\nspec: { port: {} }\n',
    });
    expect(await page.run('kubectl apply -f bad.yaml')).toMatch(/error parsing bad.yaml/);
    expect(await page.run('kubectl apply -f wrong.yaml')).toMatch(/is invalid/);
    expect(await page.run('echo $?')).toContain('1');
  });

  it('answers every page with headers that keep others out', async () => {
    const { headers } = await learner.fetch('/');
    expect(headers.get('content-security-policy')).toMatch(/script-src 'self';.*frame-ancestors 'none'/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('gives a kubeconfig that works, and only for its own cluster', async () => {
    const config = parse(await (await learner.fetch(`/api/labs/${LAB}/kubeconfig`)).text());
    const { server, 'certificate-authority-data': ca } = config.clusters[0].cluster;
    const { token } = config.users[0].user;
    const other = academy.learner();
    await other.startLab(LAB);
    const otherConfig = parse(await (await other.fetch(`/api/labs/${LAB}/kubeconfig`)).text());
    const get = (bearer: string) =>
      new Promise<number>((resolve, reject) => {
        const request = httpsRequest(
          `${server}/api/v1/namespaces`,
          { ca: Buffer.from(ca, 'base64'), headers: { authorization: `Bearer ${bearer}` } },
          (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          },
        );
        request.on('error', reject);
        request.end();
      });
    expect(await get(token)).toBe(200);
    expect(await get(otherConfig.users[0].user.token)).toBe(401);
    expect(await get('made-up')).toBe(401);
  });
});
