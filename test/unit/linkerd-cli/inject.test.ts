import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { WallClock } from '#base/clock.ts';
import { FakeCluster } from '../policy/fake-cluster.ts';
import { clientOf, meshedCluster } from './mesh.ts';
import { linkerd, recorded, recordingsMissing } from './run.ts';

const clock = new WallClock();
const client = clientOf(new FakeCluster());
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
    expect(parse(back.stdout.split('---')[0]!).spec.template.metadata).toEqual({ labels: { app: 'x' } });
    expect(back.stderr).toBe('\ndeployment "x" uninjected\n\n');
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
