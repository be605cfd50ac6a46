import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { curlImage } from '#kube/images/curl.ts';
import { smallLinuxImages } from '#kube/images/small-linux.ts';
import { BUSYBOX, DEBIAN } from '#kube/images/toolboxes.ts';
import type { TerminalSize, Tty } from '#shell/stdio.ts';
import { ImageWorld, type Started } from './world.ts';

let world: ImageWorld;
beforeEach(() => {
  world = new ImageWorld();
});
afterEach(() => world.stop());

const image = (name: string) => smallLinuxImages.find(({ repository }) => repository === name)!;
const busybox = image('busybox');

const run = async (script: string, options: Parameters<ImageWorld['start']>[2] = {}, what = busybox) => {
  const started = world.start(what, world.pod('box'), { command: ['sh', '-c', script], ...options });
  return { code: await started.process.exited, out: started.stdout(), err: started.stderr() };
};

describe('what images have', () => {
  it('is there, every program of it', async () => {
    for (const [what, names] of [
      [busybox, BUSYBOX],
      [image('debian'), DEBIAN],
      [image('nicolaka/netshoot'), [...BUSYBOX, 'curl', 'jq', 'yq', 'grpcurl']],
    ] as const) {
      const { out, err } = await run(
        `for name in ${names.join(' ')}; do command -v $name >/dev/null || echo $name; done`,
        {},
        what,
      );
      expect([out, err]).toEqual(['', '']);
    }
  });

  it('says who and where it is', async () => {
    const { out } = await run('id -u; whoami; hostname; pwd; ls -d /tmp; cat /etc/passwd | head -1');
    expect(out).toBe('0\nroot\nbox\n/\n/tmp\nroot:x:0:0:root:/root:/bin/sh\n');
    expect((await run('whoami', {}, curlImage)).out).toBe('curl_user\n');
  });
});

describe('what a shell says', () => {
  it.each([
    ['busybox', 'sh', 'sh: nosuch: not found\n', "sh: cd: line 1: can't cd to /nowhere: No such file or directory\n"],
    ['debian', 'sh', 'sh: 1: nosuch: not found\n', "sh: 1: cd: can't cd to /nowhere\n"],
    [
      'debian',
      'bash',
      'bash: line 1: nosuch: command not found\n',
      'bash: line 1: cd: /nowhere: No such file or directory\n',
    ],
  ])('%s %s', async (name, shell, missing, folder) => {
    const one = await run('', { command: [shell, '-c', 'nosuch'] }, image(name));
    expect([one.code, one.err]).toEqual([127, missing]);
    expect((await run('', { command: [shell, '-c', 'cd /nowhere'] }, image(name))).err).toBe(folder);
  });
});

describe('network tools', () => {
  it('look names up as the pod would', async () => {
    const web = world.pod('web');
    world.name('web.default.svc.cluster.local', web);
    const found = await run(
      'nslookup web.default.svc.cluster.local; getent hosts web.default.svc.cluster.local; nslookup nobody',
    );
    expect(found.out).toMatch(/^Server:\t\t10\.96\.0\.10\nAddress:\t10\.96\.0\.10:53\n\nName:\tweb\.default/);
    expect(found.out).toMatch(/\n203\.0\.113\.\d+ +web\.default\.svc\.cluster\.local\n/);
    expect(found.out).toContain("** server can't find nobody: NXDOMAIN");
    expect(found.code).toBe(1);
  });

  it('nc connects, listens and reports', async () => {
    const server = world.pod('server');
    const listening = world.start(busybox, server, { command: ['sh', '-c', 'echo hello | nc -l -p 9000'] });
    await expect.poll(() => server.dial('127.0.0.1', 1).catch((error) => error.code)).toBe('ECONNREFUSED');
    await expect.poll(async () => (await run(`nc ${server.ip} 9000`)).out).toBe('hello\n');
    expect(await listening.process.exited).toBe(0);
    const closed = await run(`nc -zv ${server.ip} 9001`);
    expect([closed.code, closed.err]).toEqual([1, `nc: ${server.ip} (${server.ip}:9001): Connection refused\n`]);
  });

  it('wget reads from an HTTP server, and says what it does', async () => {
    const server = world.pod('server');
    world.start(image('busybox'), server, { command: ['sleep', 'infinity'] });
    const refused = await run(`wget -qO- http://${server.ip}:81/`);
    expect([refused.code, refused.err]).toEqual([
      1,
      `wget: can't connect to remote host (${server.ip}): Connection refused\n`,
    ]);
    const unknown = await run('wget http://nobody/');
    expect(unknown.err).toBe("Connecting to nobody\nwget: bad address 'nobody'\n");
  });
});

describe('processes', () => {
  it('kill sends signals to the processes of the container', async () => {
    const main = world.start(busybox, world.pod('box'), {
      command: ['sh', '-c', "trap 'echo bye; exit 4' TERM; while true; do sleep 0.05; done"],
    });
    await expect
      .poll(async () => {
        const ps = world.start(busybox, main.context.net, { command: ['ps'], isMain: false, sharing: main.context });
        await ps.process.exited;
        return ps.stdout();
      })
      .toMatch(/\n +1 root +0:00 sh -c trap/);
    await main.printed(/^$/);
    const kill = world.start(busybox, main.context.net, {
      command: ['sh', '-c', 'kill -0 1 && kill 1'],
      isMain: false,
      sharing: main.context,
    });
    expect(await kill.process.exited).toBe(0);
    expect(await main.process.exited).toBe(4);
    expect(main.stdout()).toBe('bye\n');
    const inside = world.start(busybox, main.context.net, {
      command: ['sh', '-c', 'sleep 1000 & kill -0 $$ && kill $! && wait $!; echo $?; kill -0 1'],
      isMain: false,
      sharing: main.context,
    });
    expect(await inside.process.exited).toBe(1);
    expect([inside.stdout(), inside.stderr()]).toEqual(['143\n', 'sh: kill: (1) - No such process\n']);
    const missing = world.start(busybox, main.context.net, { command: ['kill', '99'], sharing: main.context });
    expect([await missing.process.exited, missing.stderr()]).toEqual([1, "kill: can't kill pid 99: No such process\n"]);
  });
});

describe('a session', () => {
  const tty = (): Tty => ({
    size: { columns: 80, rows: 24 } as TerminalSize,
    onResize: () => () => {},
    setRaw: () => () => {},
  });
  let session: Started;
  beforeEach(() => {
    session = world.start(busybox, world.pod('box'), { command: ['sh'], tty: tty(), isMain: false });
  });

  it('prompts, keeps its state, and ends with exit', async () => {
    await session.printed(/^\/ # $/);
    session.type('cd /tmp; X=1\n');
    await session.printed(/\/tmp # $/);
    session.type('echo $X $(pwd)\n');
    await session.printed(/1 \/tmp\n\/tmp # $/);
    session.type('for i in 1 2; do\n');
    await session.printed(/> $/);
    session.type('echo n$i; done\n');
    await session.printed(/n1\nn2\n\/tmp # $/);
    session.type('echo ha');
    session.type('lves\n');
    await session.printed(/halves\n\/tmp # $/);
    session.type('exit 5\n');
    expect(await session.process.exited).toBe(5);
  });

  it('lives on after ^C, which ends the command', async () => {
    await session.printed(/# $/);
    session.type('sleep 1000; echo after\n');
    await expect
      .poll(() => {
        session.process.kill('SIGINT');
        return session.stdout().split('# ').length;
      })
      .toBeGreaterThan(2);
    session.type('echo still here\n');
    await session.printed(/still here\n/);
    session.endInput();
    expect(await session.process.exited).toBe(0);
  });

  it('takes a script from standard input', async () => {
    const piped = world.start(busybox, world.pod('box2'), { command: ['sh'], isMain: false });
    piped.type('x=3\necho line $x\n');
    piped.type('exit 6\n');
    piped.endInput();
    expect([await piped.process.exited, piped.stdout()]).toEqual([6, 'line 3\n']);
  });
});
