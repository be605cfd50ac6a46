import { describe, expect, it } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import { MirrorMetrics } from '#mesh/multicluster/mirror/metrics.ts';
import { probeGateway } from '#mesh/multicluster/mirror/probe.ts';

describe('the probe of a gateway', () => {
  it('is alive with the first answer, and dead after as many failures as the link allows', async () => {
    const clock = new MovableClock({ startAtMs: 0 });
    const metrics = new MirrorMetrics('west');
    const told: boolean[] = [];
    const asked: string[] = [];
    let status = 200;
    const stopped = new AbortController();
    const done = probeGateway({
      context: { clock },
      call: async (url) => {
        asked.push(url);
        return status;
      },
      spec: { path: '/ready', port: '4191', period: '3s', timeout: '30s', failureThreshold: '2' },
      service: 'probe-west',
      metrics,
      signal: stopped.signal,
      log: () => {},
      onChange: (alive) => told.push(alive),
    });
    const tick = async () => {
      const before = asked.length;
      await clock.advance(3_400);
      await expect.poll(() => asked.length).toBeGreaterThan(before);
    };
    await tick();
    expect(asked[0]).toBe('http://probe-west:4191/ready');
    await expect.poll(() => told).toEqual([true]);
    expect(metrics.render()).toContain('gateway_alive{target_cluster_name="west"} 1\n');
    status = 503;
    await tick();
    expect(told).toEqual([true]);
    await tick();
    await expect.poll(() => told).toEqual([true, false]);
    expect(metrics.render()).toContain('gateway_alive{target_cluster_name="west"} 0\n');
    expect(metrics.render()).toContain('gateway_probes{probe_successful="true",target_cluster_name="west"} 1\n');
    status = 200;
    await tick();
    await expect.poll(() => told).toEqual([true, false, true]);
    stopped.abort();
    await done;
    clock.stop();
  });
});
