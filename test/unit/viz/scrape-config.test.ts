import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import { scrapeConfig } from '#mesh/viz/install/scrape-config.ts';
import { vizDefaults } from '#mesh/viz/install/values.ts';
import { readConfig } from '#mesh/viz/prometheus/config.ts';
import { relabel, relabelRule } from '#mesh/viz/prometheus/relabel.ts';
import { targetsOf } from '#mesh/viz/prometheus/targets.ts';
import { proxyTargetLabels } from '#mesh/viz/proxy-target.ts';

const pod = (name: string, labels: Record<string, string>, containers: object[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', labels },
  spec: { containers, initContainers: [] },
  status: { podIP: '10.244.0.9', phase: 'Running' },
});
const PROXY = {
  name: 'linkerd-proxy',
  ports: [
    { containerPort: 4143, name: 'linkerd-proxy' },
    { containerPort: 4191, name: 'linkerd-admin' },
  ],
};
const meshed = pod(
  'web-1',
  {
    app: 'web',
    'linkerd.io/control-plane-ns': 'linkerd',
    'linkerd.io/proxy-deployment': 'web',
    'linkerd.io/proxy-job': 'once',
  },
  [{ name: 'web', ports: [{ containerPort: 8080, name: 'http' }] }, PROXY],
);

describe('what the extension’s Prometheus scrapes', () => {
  const { jobs, leftOut } = readConfig(scrapeConfig(vizDefaults(), 'linkerd-viz'));
  const job = (name: string) => jobs.find((each) => each.name === name)!;

  it('is all known here, every ten seconds', () => {
    expect(leftOut).toEqual([]);
    expect(jobs.map(({ name }) => name)).toEqual([
      'prometheus',
      'linkerd-controller',
      'linkerd-multicluster-controller',
      'linkerd-proxy',
    ]);
    expect(new Set(jobs.map(({ intervalMs }) => intervalMs))).toEqual(new Set([10_000]));
  });

  it('is the admin port of each proxy, with the labels of its pod', () => {
    const bare = pod('bare', { app: 'bare' }, [PROXY]);
    const [target, ...others] = targetsOf(job('linkerd-proxy'), [meshed, bare]);
    expect(others).toEqual([]);
    expect(target?.url).toBe('http://10.244.0.9:4191/metrics');
    const { job: ofPrometheus, instance, ...labels } = target!.labels;
    expect([ofPrometheus, instance]).toEqual(['linkerd-proxy', '10.244.0.9:4191']);
    expect(labels).toEqual({
      namespace: 'shop',
      pod: 'web-1',
      app: 'web',
      control_plane_ns: 'linkerd',
      deployment: 'web',
      k8s_job: 'once',
    });
    // A cluster without Prometheus is read with the same labels.
    expect(proxyTargetLabels(meshed)).toEqual(labels);
  });

  it('leaves out jobs that cannot be done here, and says why', () => {
    const config = `scrape_configs:
- { job_name: nodes, kubernetes_sd_configs: [{ role: node }] }
- { job_name: tls, scheme: https }
- { job_name: dns, dns_sd_configs: [] }
- { job_name: odd, relabel_configs: [{ action: hashmod }] }`;
    expect(readConfig(config).leftOut).toEqual([
      { name: 'nodes', why: 'kubernetes role "node" is not looked for here, only pods are' },
      { name: 'tls', why: 'scheme "https" is not spoken here' },
      { name: 'dns', why: 'dns_sd_configs is not known here' },
      { name: 'odd', why: 'relabel action "hashmod" is not known here' },
    ]);
  });
});

describe('relabelling', () => {
  it('replaces, keeps, drops and maps', () => {
    const rules = (...list: object[]) => list.map(relabelRule);
    expect(
      relabel(
        { a: 'x-1', b: 'y' },
        rules(
          { source_labels: ['a', 'b'], regex: '(.)-(\\d);(.)', target_label: 'c', replacement: '$3$1${2}' },
          { action: 'labelmap', regex: '(a)', replacement: 'copy_$1' },
          { action: 'labeldrop', regex: 'b' },
          { action: 'uppercase', source_labels: ['a'], target_label: 'a' },
        ),
      ),
    ).toEqual({ a: 'X-1', copy_a: 'x-1', c: 'yx1' });
    expect(relabel({ a: '1' }, rules({ action: 'keep', source_labels: ['a'], regex: '2' }))).toBeUndefined();
    expect(relabel({ a: '1' }, rules({ action: 'drop', source_labels: ['a'], regex: '1' }))).toBeUndefined();
    expect(relabel({ a: '1' }, rules({ action: 'labelkeep', regex: 'b' }))).toEqual({});
  });
});
