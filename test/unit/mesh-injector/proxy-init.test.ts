import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startProxyInit } from '#mesh/image/proxy-init.ts';

const RECORDED = new URL('../../../../shared/facts/recordings/proxy-init-logs.txt', import.meta.url);
const ARGS =
  '--firewall-bin-path iptables-nft --firewall-save-bin-path iptables-nft-save --ipv6=false --incoming-proxy-port 4143 --outgoing-proxy-port 4140 --proxy-uid 2102 --inbound-ports-to-ignore 4190,4191,4567,4568 --outbound-ports-to-ignore 4567,4568';

async function run(args: string) {
  const lines: string[] = [];
  const net = { redirect: undefined as unknown };
  const clock = { now: () => Date.UTC(2026, 10, 23, 21, 13, 5) };
  const stdout = { write: async (text: string) => void lines.push(text), end() {} };
  const context = { argv: ['/usr/lib/linkerd/linkerd2-proxy-init', ...args.split(' ')], net, clock, stdio: { stdout } };
  const code = await startProxyInit(context as never).exited;
  return { code, net, log: lines.join('') };
}

describe('linkerd-init', () => {
  it('redirects the pod to its proxy, but for the ports named', async () => {
    const { code, net } = await run(ARGS);
    expect(code).toBe(0);
    expect(net.redirect).toMatchObject({ inboundPort: 4143, outboundPort: 4140, proxyUid: 2102 });
    expect((await run('--inbound-ports-to-ignore 70-80,x')).code).toBe(1);
  });

  const there = existsSync(RECORDED);
  it.skipIf(!there)('logs what the real one logged', async () => {
    const recorded = readFileSync(RECORDED, 'utf8').split('\n').slice(1, -2).join('\n');
    const still = (text: string) => text.replaceAll(/21:13:0\d/g, 'T').trim();
    expect(still((await run(ARGS)).log)).toBe(still(recorded.replace(/\n--- exit.*/, '')));
  });
  if (!there) console.warn('skipped: the recordings are not beside this repository');
});
