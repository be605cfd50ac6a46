import type { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { unifiedDiff } from '#kube/api/unified-diff.ts';
import { parseManifests } from '#terminal/kubectl/manifests.ts';
import { packTar, unpackTar } from '#terminal/kubectl/tar.ts';
import { threeWayStrategic } from '#terminal/kubectl/three-way.ts';
import { createLab, pod } from './lab.ts';

const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: app }\ndata: { a: "1" }\n';

describe('a patch of apply', () => {
  it('names the keys that stay, where keys exclude one another and the server has more', () => {
    const applied = { spec: { strategy: { rollingUpdate: { maxSurge: '25%' } } } };
    const live = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } } } };
    expect(threeWayStrategic(applied, applied, live)).toEqual({
      spec: { strategy: { $retainKeys: ['rollingUpdate'] } },
    });
    const recreate = { spec: { strategy: { type: 'Recreate' } } };
    expect(threeWayStrategic(live, recreate, live)).toEqual({
      spec: { strategy: { $retainKeys: ['type'], type: 'Recreate', rollingUpdate: null } },
    });
    expect(threeWayStrategic(live, live, live)).toEqual({});
  });
});

describe('kubectl', () => {
  it('changes what the editor changed, and shows what was wrong with it again', async () => {
    const shown: string[] = [];
    const edits = [
      (text: string) => text.replace('a: "1"', 'a: [1]'),
      (text: string) => text.replace('a: [1]', 'a: "2"').replace(/^#.*\n/gm, ''),
    ];
    const lab = await createLab(
      { 'cm.yaml': CONFIG_MAP },
      {
        async edit(path, { fs }) {
          const text = await fs.readFile(path);
          shown.push(text);
          await fs.writeFile(path, edits.shift()!(text));
        },
      },
    );
    await lab.run(['apply', '-f', 'cm.yaml']);
    const ran = await lab.run(['edit', 'cm', 'app']);
    expect(ran.stdout).toBe('configmap/app edited\n');
    expect(shown).toHaveLength(2);
    expect(shown[1]).toMatch(/# configmaps "app" was not valid:\n# \* /);
    expect((await lab.run(['get', 'cm', 'app', '-o', 'jsonpath={.data.a}'])).stdout).toBe('2');
  });

  it('leaves alone what was not edited', async () => {
    const lab = await createLab({ 'cm.yaml': CONFIG_MAP }, { edit: async () => {} });
    await lab.run(['apply', '-f', 'cm.yaml']);
    expect(await lab.run(['edit', 'cm', 'app'])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Edit cancelled, no changes made.\n',
    });
  });

  it('forwards a port of the terminal until it is interrupted', async () => {
    let accept: ((connection: PassThrough) => void) | undefined;
    let closed = false;
    const stop = new AbortController();
    const lab = await createLab(
      {},
      {
        loopback: {
          listen(port, onConnection) {
            accept = onConnection;
            return { port: port || 40_000, close: () => (closed = true) };
          },
        },
      },
    );
    const target = { group: '', version: 'v1', resource: 'pods', namespace: 'default' };
    const made = await lab.client.create(target, pod('web', 'default'));
    await lab.client.update(target, { ...made, status: { phase: 'Running' } }, { subresource: 'status' });
    const running = lab.run(['port-forward', 'pod/web', '8080:80', ':81'], { signal: stop.signal });
    await expect.poll(() => accept).toBeDefined();
    await expect.poll(() => closed).toBe(false);
    setImmediate(() => stop.abort(new DOMException('Ctrl-C', 'AbortError')));
    const { stdout } = await running;
    expect(stdout).toBe(
      'Forwarding from 127.0.0.1:8080 -> 80\nForwarding from [::1]:8080 -> 80\nForwarding from 127.0.0.1:40000 -> 81\nForwarding from [::1]:40000 -> 81\n',
    );
    expect(closed).toBe(true);
  });

  it('says which port is taken', async () => {
    const taken = () => {
      throw Object.assign(new Error('taken'), { code: 'EADDRINUSE' });
    };
    const lab = await createLab({}, { loopback: { listen: taken } });
    const target = { group: '', version: 'v1', resource: 'pods', namespace: 'default' };
    const made = await lab.client.create(target, pod('web', 'default'));
    await lab.client.update(target, { ...made, status: { phase: 'Running' } }, { subresource: 'status' });
    const { code, stderr } = await lab.run(['port-forward', 'web', '8080:80']);
    expect(code).toBe(1);
    expect(stderr).toContain('Unable to listen on port 8080');
    expect(stderr).toContain('error: unable to listen on any of the requested ports: [{8080 80}]');
  });

  it('ends without a word when its reader has gone', async () => {
    const lab = await createLab();
    const gone = {
      write: async () => {
        throw Object.assign(new Error('Broken pipe'), { code: 'EPIPE' });
      },
      end() {},
    };
    const { code, stderr } = await lab.run(['get', 'ns'], { stdout: gone });
    expect({ code, stderr }).toEqual({ code: 141, stderr: '' });
  });

  it('refuses addresses outside of the lab', async () => {
    const lab = await createLab();
    const { code, stderr } = await lab.run(['apply', '-f', 'https://example.org/app.yaml']);
    expect(code).toBe(1);
    expect(stderr).toContain('this terminal has no way out to other hosts');
  });

  it('ends with 130 when it is interrupted', async () => {
    const lab = await createLab();
    const stop = new AbortController();
    const running = lab.run(['get', 'pods', '--watch'], { signal: stop.signal });
    setImmediate(() => stop.abort(new DOMException('Ctrl-C', 'AbortError')));
    expect([0, 130]).toContain((await running).code);
  });
});

describe('manifests', () => {
  it('are read as YAML 1.1, without instants', () => {
    const [object] = parseManifests('kind: A\napiVersion: b\nx: yes\nday: 2001-01-01\nz: 0o7\nmode: 0755\n', 'f');
    expect(object).toMatchObject({ x: true, day: '2001-01-01', mode: 493 });
  });

  it('keep the order of lists that they take apart', () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [1, 2].map((n) => ({ kind: 'A', apiVersion: 'b', n })) };
    expect(parseManifests(JSON.stringify(list), 'f').map((each) => each['n'])).toEqual([1, 2]);
  });
});

describe('tar', () => {
  it('gives back what was packed, long names too', () => {
    const files = [
      { name: 'a.txt', content: Buffer.from('some text') },
      { name: `${'deep/'.repeat(30)}file`, content: Buffer.alloc(1500, 'x') },
      { name: 'empty', content: Buffer.alloc(0) },
    ];
    const back = unpackTar(Buffer.from(packTar(files)));
    expect(back.map(({ name, content }) => [name, Buffer.from(content).toString()])).toEqual(
      files.map(({ name, content }) => [name, content.toString()]),
    );
  });
});

describe('unified diff', () => {
  it('is empty for equal texts', () => expect(unifiedDiff('a\n', 'a\n')).toBe(''));

  it('puts three lines around a change and joins neighbours', () => {
    const before = Array.from({ length: 20 }, (_, i) => `${i}\n`).join('');
    const after = before.replace('3\n', 'three\n').replace('8\n', '').replace('18\n', '18\nmore\n');
    expect(unifiedDiff(before, after)).toBe(
      '@@ -1,12 +1,11 @@\n 0\n 1\n 2\n-3\n+three\n 4\n 5\n 6\n 7\n-8\n 9\n 10\n 11\n@@ -17,4 +16,5 @@\n 16\n 17\n 18\n+more\n 19\n',
    );
  });

  it('shows a new file whole', () => expect(unifiedDiff('', 'a\nb\n')).toBe('@@ -0,0 +1,2 @@\n+a\n+b\n'));
});
