import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { smallLinuxImages } from '#kube/images/small-linux.ts';
import { ImageWorld } from './world.ts';

let world: ImageWorld;
beforeEach(() => {
  world = new ImageWorld();
});
afterEach(() => world.stop());

const busybox = smallLinuxImages.find(({ repository }) => repository === 'busybox')!;
const FILES = 'mkdir -p /www/shop; echo "bread 3.20" >/www/bread; echo hello >/www/shop/index.html; cd /';

/** Seen with BusyBox 1.35. */
describe('httpd of busybox', () => {
  it('serves files, and writes down what it is asked', async () => {
    const server = world.start(busybox, world.pod('prices'), {
      command: ['sh', '-c', `${FILES}; httpd -f -vv -p 8080 -h /www`],
    });
    const { process, stdout } = world.start(busybox, world.pod('till'), {
      command: [
        'sh',
        '-c',
        `until wget -q -O - http://${server.context.pod.ip}:8080/bread 2>/dev/null; do sleep 0.1; done
         wget -S -q -O - http://${server.context.pod.ip}:8080/bread?card=7 2>&1
         wget -q -O - http://${server.context.pod.ip}:8080/shop
         wget -O - http://${server.context.pod.ip}:8080/butter 2>&1`,
      ],
    });
    const code = await process.exited;
    expect(code).toBe(1);
    const printed = stdout();
    expect(printed).toMatch(/^bread 3\.20\n/);
    expect(printed.match(/bread 3\.20/g)).toHaveLength(2);
    expect(printed).toMatch(/accept-ranges: bytes/i);
    expect(printed).toMatch(/content-length: 11/i);
    expect(printed).toContain('hello\n');
    expect(printed).toContain('wget: server returned error: HTTP/1.1 404 Not Found');
    const log = await server.printed(/response:404/);
    expect(log).toMatch(/^\[::ffff:[\d.]+\]:\d+: url:\/bread\n\[::ffff:[\d.]+\]:\d+: response:200\n/m);
    expect(log).not.toContain('card');
    expect(log).toContain('response:302');
  });

  it('says why it does not serve', async () => {
    const { process, stderr } = world.start(busybox, world.pod('box'), {
      command: ['sh', '-c', 'httpd -f -p 8080 -h /nowhere; httpd -p 8080; httpd -f -z'],
    });
    expect(await process.exited).toBe(1);
    expect(stderr().split('\n')).toEqual([
      "httpd: can't change directory to '/nowhere': No such file or directory",
      'httpd: here it stays in the foreground; add -f',
      'httpd: unknown here: -z; here are -f, -v, -p PORT and -h HOME',
      '',
    ]);
  });
});
