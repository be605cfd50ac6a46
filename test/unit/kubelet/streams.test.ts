import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TerminalDriver } from '#kube/kubelet/tty.ts';
import { isReady, PODS, TestNode } from './node.ts';

const utf8 = (chunks: Uint8Array[]) => Buffer.concat(chunks).toString();

describe('logs, exec and port-forward', () => {
  let node: TestNode;
  beforeEach(async () => {
    node = await TestNode.start();
    await node.run('web', { containers: [{ name: 'web', image: 'test/tool', command: ['serve', '8080'] }] });
    await node.until('web', isReady);
  });
  afterEach(() => node.close());

  const logs = async (pod: string, options = {}): Promise<string> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of node.client.logs('shop', pod, options)) chunks.push(chunk);
    return utf8(chunks);
  };

  it('serves a log, with times, and the one before a restart', async () => {
    expect(await logs('web')).toBe('serving as web\n');
    expect(await logs('web', { timestamps: true })).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z serving as web\n$/);
    expect(await logs('web', { tailLines: 0 })).toBe('');
    await expect(logs('web', { previous: true })).rejects.toThrow(
      'previous terminated container "web" in pod "web" not found',
    );
    await node.run('crash', { containers: [{ name: 'crash', image: 'test/tool', command: ['exit', '1'] }] });
    await node.until('crash', (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1);
    expect(await logs('crash', { previous: true })).toBe('bye\n');
  });

  it('follows a log until its container ends', async () => {
    const followed = logs('web', { follow: true });
    await node.client.delete(PODS, 'web');
    expect(await followed).toBe('serving as web\n');
  });

  it('says that a container has not started, when asked for its log', async () => {
    await node.run('bad', { containers: [{ name: 'bad', image: 'none' }] });
    await node.until('bad', (pod) => pod.status?.containerStatuses?.[0]?.state.waiting?.reason === 'ErrImagePull');
    await expect(logs('bad')).rejects.toThrow(
      'container "bad" in pod "bad" is waiting to start: image can\'t be pulled',
    );
  });

  it('runs a program of the image, and says when there is none', async () => {
    const chunks: Uint8Array[] = [];
    const stdout = (chunk: Uint8Array) => chunks.push(chunk);
    expect(await node.client.exec({ namespace: 'shop', pod: 'web', command: ['exit', '5'], stdout })).toBe(5);
    expect(utf8(chunks)).toBe('bye\n');
    async function* typed() {
      yield Buffer.from('hello');
    }
    chunks.length = 0;
    await node.client.exec({ namespace: 'shop', pod: 'web', command: ['cat'], stdin: typed(), stdout });
    expect(utf8(chunks)).toBe('hello');
    await expect(node.client.exec({ namespace: 'shop', pod: 'web', command: ['vi'] })).rejects.toThrow(
      'exec: "vi": executable file not found in $PATH',
    );
  });

  it('forwards to a port, and says when nobody listens', async () => {
    const stream = await node.client.portForward('shop', 'web', 8080);
    stream.write('GET / HTTP/1.1\r\n\r\n');
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk as Uint8Array);
    expect(utf8(chunks)).toContain('200 OK');
  });
});

describe('the terminal driver', () => {
  function open(keys: string[]) {
    const [out, signals]: [string[], string[]] = [[], []];
    const queue = keys.map((text) => Buffer.from(text));
    const reader = {
      read: async () => queue.shift(),
      cancel() {},
      async *[Symbol.asyncIterator]() {},
    };
    const writer = {
      async write(data: Uint8Array | string) {
        out.push(Buffer.from(data as string).toString());
      },
      end() {},
    };
    const driver = new TerminalDriver(reader, writer, { columns: 80, rows: 24 }, (signal) => signals.push(signal));
    return { driver, out, signals };
  }

  it('gives whole lines, echoes, and lets them be mended', async () => {
    const { driver, out } = open(['lx\x7fs\r']);
    expect(utf8([(await driver.stdio.stdin.read())!])).toBe('ls\n');
    expect(out.join('')).toBe('lx\b \bs\r\n');
    await driver.stdio.stdout.write('a\nb\n');
    expect(out.at(-1)).toBe('a\r\nb\r\n');
  });

  it('turns ^C into a signal and drops the line, and ^D into the end', async () => {
    const { driver, signals } = open(['half\x03', 'ok\r', '\x04']);
    expect(utf8([(await driver.stdio.stdin.read())!])).toBe('ok\n');
    expect(signals).toEqual(['SIGINT']);
    expect(await driver.stdio.stdin.read()).toBeUndefined();
  });
});
