import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { demultiplex } from '#cluster/kind/demultiplex.ts';
import { FakeEngine, frame } from './fake-engine.ts';

/** Each of these hangs, leaks or loses output when the guard is taken away. */
describe('what dockerode leaves to its users', () => {
  let fake: FakeEngine;
  beforeEach(() => {
    fake = new FakeEngine();
  });
  afterEach(() => fake.close());

  it('a connection cut in the middle of an answer ends in a coded error', async () => {
    fake.on('GET /containers/x/json', (_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      res.write('{"Id":');
      setImmediate(() => res.destroy());
    });
    const asked = fake.engine.call(
      'inspect a container',
      (abortSignal) => fake.engine.docker.getContainer('x').inspect({ abortSignal }),
      { timeoutMs: 300 },
    );
    await expect(asked).rejects.toMatchObject({ code: expect.stringMatching(/^driver\/(timeout|engine|failed)$/) });
  });

  it('an Engine that never answers ends at the deadline', async () => {
    fake.on('GET /version', () => {});
    const asked = fake.engine.call('tell its version', () => fake.engine.docker.version(), { timeoutMs: 200 });
    await expect(asked).rejects.toMatchObject({
      code: 'driver/timeout',
      message: 'The Docker Engine could not tell its version within 0.2 s.',
    });
  });

  it('a cancelled call rejects with the reason of its signal', async () => {
    fake.on('GET /version', () => {});
    const abort = new AbortController();
    const asked = fake.engine.call('tell its version', () => fake.engine.docker.version(), { signal: abort.signal });
    abort.abort(new DOMException('enough', 'AbortError'));
    await expect(asked).rejects.toMatchObject({ name: 'AbortError', message: 'enough' });
  });

  it('an Engine that is not there is named as such', async () => {
    fake.close();
    await expect(fake.engine.version()).rejects.toMatchObject({ code: 'driver/engine' });
  });

  it('a container that runs already is started (304)', async () => {
    fake.on('POST /containers/x/start', (_req, res) => res.writeHead(304).end());
    await expect(fake.engine.start('x')).resolves.toBeUndefined();
  });

  it('a container that is gone is removed (404)', async () => {
    await expect(fake.engine.remove('x')).resolves.toBeUndefined();
    expect(fake.requests).toEqual(['DELETE /containers/x']);
  });

  it('a specification stays as it was given', async () => {
    fake.json('POST /containers/create', 201, { Id: 'new' });
    const specification = { name: 'a', Image: 'b', HostConfig: { Init: false } };
    const before = structuredClone(specification);
    expect(await fake.engine.createContainer(specification)).toBe('new');
    expect(specification).toEqual(before);
  });

  it.each([
    [500, 'write /x: no space left on device', 'driver/disk-full'],
    [404, 'could not find an available, non-overlapping IPv4 address pool among the defaults', 'driver/network-pool'],
    [404, 'No such image: kindest/node:v9', 'driver/image-missing'],
    [500, 'something else', 'driver/failed'],
  ])('an answer %i "%s" is %s', async (status, message, code) => {
    fake.json('POST /containers/create', status, { message });
    await expect(fake.engine.createContainer({ name: 'a', Image: 'b' })).rejects.toMatchObject({ code });
  });

  it('an exec with input ends, and tells its streams apart', async () => {
    fake.json('POST /containers/x/exec', 201, { Id: 'e' });
    fake.json('GET /exec/e/json', 200, { ExitCode: 3 });
    fake.onUpgrade = (socket) => {
      let input = '';
      socket.on('data', (chunk) => {
        input += chunk;
      });
      socket.on('end', () => {
        const told = `heard ${input.replace(/^\{.*?\}/, '')}`;
        socket.write(frame(2, 'a warning\n'));
        // A frame may arrive in pieces.
        const whole = frame(1, told);
        socket.write(whole.subarray(0, 5));
        setImmediate(() => socket.end(whole.subarray(5)));
      });
    };
    expect(await fake.engine.exec('x', ['cat'], { stdin: 'hello' })).toEqual({
      code: 3,
      stdout: 'heard hello',
      stderr: 'a warning\n',
    });
  });

  it('an exec that is cancelled leaves no connection behind', async () => {
    fake.json('POST /containers/x/exec', 201, { Id: 'e' });
    let upgraded: (() => void) | undefined;
    const open = new Promise<void>((resolve) => {
      upgraded = resolve;
    });
    let closed = false;
    fake.onUpgrade = (socket) => {
      for (const event of ['end', 'close', 'error'])
        socket.on(event, () => {
          closed = true;
        });
      socket.resume();
      upgraded?.();
    };
    const abort = new AbortController();
    const running = fake.engine.exec('x', ['sleep', '1000'], { signal: abort.signal });
    running.catch(() => {});
    await open;
    abort.abort(new DOMException('enough', 'AbortError'));
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    await vi.waitFor(() => expect(closed).toBe(true));
  });
});

describe('demultiplex', () => {
  it('holds the sender back when nobody reads', async () => {
    const source = new PassThrough({ highWaterMark: 64 * 1024 });
    const output = demultiplex(source);
    const piece = frame(1, 'x'.repeat(32 * 1024));
    let written = 0;
    for (; written < 200 && source.write(piece); written++) await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBeLessThan(20);
    let read = 0;
    output.on('data', (chunk: Buffer) => {
      read += chunk.length;
    });
    source.end();
    await new Promise((resolve) => output.once('end', resolve));
    expect(read).toBe((written + 1) * 32 * 1024);
  });

  it('ends when its source is cut', async () => {
    const source = new PassThrough();
    const output = demultiplex(source);
    output.resume();
    const ended = new Promise((resolve) => output.once('close', resolve));
    source.destroy();
    output.once('end', () => output.destroy());
    await ended;
  });

  it('refuses what is not framed', async () => {
    const source = new PassThrough();
    const output = demultiplex(source);
    output.resume();
    const failed = new Promise<Error>((resolve) => output.once('error', resolve));
    source.write('plain text of a terminal');
    expect((await failed).message).toMatch(/not framed/);
  });
});
