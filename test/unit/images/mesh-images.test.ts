import { describe, expect, it } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import { linkerdDebugImage } from '#kube/images/linkerd-debug.ts';
import type { ContainerContext } from '#kube/images/program.ts';
import { Fabric } from '#kube/network/fabric.ts';
import { startNetworkValidator } from '#mesh/image/network-validator.ts';

const clock = new MovableClock({ startAtMs: Date.UTC(2026, 0, 1) });
const fabric = new Fabric({ clock, nodeIp: '172.18.0.2' });
let count = 1;

function container(argv: string[], uid = 65_534) {
  const printed: string[] = [];
  const writer = { write: async (text: Uint8Array | string) => void printed.push(String(text)), end() {} };
  const net = fabric.createNamespace({ ip: `10.244.1.${++count}`, name: 'pod' });
  const context = {
    argv,
    env: {},
    cwd: '/',
    uid,
    clock,
    net,
    files: { readFile: () => undefined, list: () => undefined, watch: () => () => {} },
    stdio: { stdin: { read: async () => undefined, cancel() {} }, stdout: writer, stderr: writer },
    isMain: true,
  } as unknown as ContainerContext;
  return { context, printed, net };
}
const VALIDATOR = [
  'linkerd2-network-validator',
  '--timeout',
  '2s',
  '--connect-addr',
  '1.1.1.1:20001',
  '--listen-addr',
  '0.0.0.0:4140',
];

describe('the network validator', () => {
  it('is content where what the pod dials comes to the proxy', async () => {
    const { context, printed, net } = container(VALIDATOR);
    net.redirect = {
      inboundPort: 4143,
      outboundPort: 4140,
      proxyUid: 2102,
      skipInboundPorts: [],
      skipOutboundPorts: [],
      skipSubnets: [],
    };
    expect(await startNetworkValidator(context).exited).toBe(0);
    expect(printed.at(-1)).toMatch(/^2026-01-01T\S+Z {2}INFO linkerd_network_validator: Validated\n$/);
  });

  it('ends with 95 where nothing was redirected', async () => {
    const { context, printed } = container(VALIDATOR);
    const { exited } = startNetworkValidator(context);
    await clock.advance(3_000);
    expect(await exited).toBe(95);
    expect(printed.at(-1)).toContain(
      'Please ensure traffic redirection rules are rewriting traffic as expected. timeout=2s',
    );
  });
});

describe('the debug sidecar', () => {
  it('says that there is nothing to capture, and stays until it is stopped', async () => {
    const { context, printed } = container(['tshark', '-i', 'any'], 0);
    const started = linkerdDebugImage.start(context)!;
    await expect.poll(() => printed.join('')).toContain('tshark: no packets to capture');
    started.kill('SIGTERM');
    expect(await started.exited).toBe(0);
  });
});
