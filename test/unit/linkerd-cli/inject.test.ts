import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { WallClock } from '#base/clock.ts';
import { FakeCluster } from '../policy/fake-cluster.ts';
import { clientOf, meshedCluster } from './mesh.ts';
import { linkerd, recorded, recordingsMissing } from './run.ts';

const clock = new WallClock();
const client = clientOf(await meshedCluster({ now: clock.now() }));
const bare = clientOf(new FakeCluster());
const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: x
  name: x
spec:
  replicas: 1
  selector:
    matchLabels:
      app: x
  strategy: {}
  template:
    metadata:
      labels:
        app: x
    spec:
      containers:
      - image: hashicorp/http-echo:1.0
        name: http-echo
        resources: {}
status: {}
`;

describe('linkerd inject', () => {
  it.skipIf(recordingsMissing)('prints what the official CLI printed', async () => {
    expect(await linkerd({ client, clock, stdin: deployment }, 'inject', '-')).toEqual(recorded('linkerd-inject'));
    expect(await linkerd({ client, clock }, 'inject', '--help')).toEqual(recorded('linkerd-inject-help'));
  });

  it.skipIf(recordingsMissing)('with --manual writes what the official CLI wrote, anchors put aside', async () => {
    const meshed = clientOf(await meshedCluster({ now: clock.now() }));
    const ran = await linkerd({ client: meshed, clock, stdin: deployment }, 'inject', '--manual', '-');
    const expected = recorded('linkerd-inject-manual');
    const still = (text: string) =>
      JSON.parse(
        JSON.stringify(parse(text.split('\n---')[0]!), (_, value) => {
          if (value?.name === 'LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS') return { name: value.name };
          if (value?.['linkerd.io/trust-root-sha256']) return { ...value, 'linkerd.io/trust-root-sha256': 'hash' };
          return value;
        }),
      );
    expect(still(ran.stdout)).toEqual(still(expected.stdout));
    expect(ran.stderr).toBe(expected.stderr);
  });

  it('writes flags as annotations, takes them back, and leaves what makes no pods alone', async () => {
    const flags = ['--opaque-ports', '3000', '--default-inbound-policy=deny', '--wait-before-exit-seconds', '5'];
    const service = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n';
    const ran = await linkerd({ client, clock, stdin: `${deployment}---\n${service}` }, 'inject', ...flags, '-');
    const [first = '', second = ''] = ran.stdout.split('---\n');
    expect(parse(first).spec.template.metadata.annotations).toEqual({
      'linkerd.io/inject': 'enabled',
      'config.linkerd.io/opaque-ports': '3000',
      'config.linkerd.io/default-inbound-policy': 'deny',
      'config.alpha.linkerd.io/proxy-wait-before-exit-seconds': '5',
    });
    expect(parse(second).metadata).toEqual({ name: 'c' });
    expect(ran.stderr).toBe('\ndeployment "x" injected\nconfigmap "c" skipped\n\n');
    const back = await linkerd({ client, clock, stdin: first }, 'uninject', '-');
    // What configures the proxy is the owner's, and stays.
    expect(parse(back.stdout.split('---')[0]!).spec.template.metadata).toEqual({
      annotations: {
        'config.linkerd.io/opaque-ports': '3000',
        'config.linkerd.io/default-inbound-policy': 'deny',
        'config.alpha.linkerd.io/proxy-wait-before-exit-seconds': '5',
      },
      labels: { app: 'x' },
    });
    expect(back.stderr).toBe('\ndeployment "x" uninjected\n\n');
  });
});

describe('linkerd inject and uninject', () => {
  const pod = (name: string, spec: object, annotations?: object) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, ...(annotations ? { annotations } : {}) },
      spec,
    });
  const app = { containers: [{ name: 'app', image: 'nginx' }] };
  const run = (stdin: string, ...args: string[]) => linkerd({ client, clock, stdin }, ...args, '-');

  it('need an installation to read from, unless it is ignored', async () => {
    const ran = await linkerd({ client: bare, clock, stdin: deployment }, 'inject', '-');
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^Cannot find Linkerd: .*\nValidate the install with: 'linkerd check'\n$/);
    expect(await linkerd({ client: bare, clock, stdin: deployment }, 'inject', '--ignore-cluster', '-')).toMatchObject({
      code: 0,
    });
  });

  it('refuse the network of the node and a foreign sidecar, and print nothing then', async () => {
    expect(await run(pod('host', { ...app, hostNetwork: true }), 'inject')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Error transforming resources:\nfailed to inject pod/host: hostNetwork is enabled',
    });
    const beside = { containers: [...app.containers, { name: 'istio-proxy', image: 'x' }] };
    expect((await run(pod('both', beside), 'inject')).stderr).toContain('pod has a sidecar injected already');
  });

  it('warn of pods that opted out, and say what was skipped', async () => {
    const ran = await run(pod('out', app, { 'linkerd.io/inject': 'disabled' }), 'inject');
    expect(ran.stderr).toBe('\n‼ "linkerd.io/inject: disabled" annotation set on pod/out\n\npod "out" skipped\n\n');
    expect((await run('kind: ConfigMap\nmetadata: {name: c}\n', 'inject')).stderr).toContain(
      '‼ no supported objects found\n',
    );
  });

  it('leave out a flag that says what holds already, and write ports of a Service on the Service', async () => {
    const same = await run(pod('p', app), 'inject', '--proxy-log-level', 'warn,linkerd=info,hickory=error');
    expect(parse(same.stdout.split('---')[0]!).metadata.annotations).toEqual({ 'linkerd.io/inject': 'enabled' });
    const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n';
    const ran = await run(service, 'inject', '--opaque-ports', '80,90');
    expect(parse(ran.stdout.split('---')[0]!).metadata.annotations).toEqual({
      'config.linkerd.io/opaque-ports': '80,90',
    });
    expect(ran.stderr).toBe('\nservice "s" annotated\n\n');
  });

  it('leave the text of what they do not touch as it was', async () => {
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c} # mine\ndata: {b: "1", a: x}\n';
    expect((await run(text, 'uninject')).stdout).toBe(`${text}---\n`);
  });
});

describe('linkerd', () => {
  it('says what it does not know', async () => {
    const ran = await linkerd({ client, clock }, 'frobnicate');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toBe('Error: unknown command "frobnicate" for "linkerd"\nRun \'linkerd --help\' for usage.\n');
    const flag = await linkerd({ client, clock }, 'check', '--nonsense');
    expect(flag.code).toBe(1);
    expect(flag.stderr).toMatch(/^Error: unknown flag: --nonsense\nUsage:\n {2}linkerd check \[flags\]\n/);
  });
});
