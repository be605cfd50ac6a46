import { expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import { merged } from '#mesh/install/overrides.ts';
import { renderViz } from '#mesh/viz/install/render.ts';
import { HIGH_AVAILABILITY, type VizValues, vizDefaults } from '#mesh/viz/install/values.ts';

const pair = { certificate: 'c', privateKey: 'k' };
const rendered = (over: VizValues = {}): KubeObject[] =>
  renderViz(merged(vizDefaults(), over), { tap: pair, tapInjector: pair });
const named = (objects: KubeObject[], kind: string, name: string): KubeObject | undefined =>
  objects.find((each) => each.kind === kind && each.metadata.name === name);

it('keeps replicas apart with high availability, three of tap, one away at a time', () => {
  const objects = rendered(HIGH_AVAILABILITY);
  const tap = named(objects, 'Deployment', 'tap')!['spec'];
  expect([tap.replicas, tap.strategy]).toEqual([3, { rollingUpdate: { maxUnavailable: 1 } }]);
  expect(tap.template.spec.containers[0].resources).toEqual({
    limits: { memory: '250Mi' },
    requests: { cpu: '100m', memory: '50Mi' },
  });
  for (const component of ['metrics-api', 'tap', 'tap-injector']) {
    const { affinity } = named(objects, 'Deployment', component)!['spec'].template.spec;
    const [apart] = affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    expect(apart.topologyKey).toBe('kubernetes.io/hostname');
    expect(apart.labelSelector.matchExpressions[0].values).toEqual([component]);
  }
  // Prometheus is one, and may be anywhere.
  const prometheus = named(objects, 'Deployment', 'prometheus')!['spec'];
  expect(prometheus.template.spec.affinity).toBeUndefined();
  expect(prometheus.template.spec.containers[0].resources.limits).toEqual({ memory: '8192Mi' });
  expect(objects.filter(({ kind }) => kind === 'PodDisruptionBudget').map(({ metadata }) => metadata.name)).toEqual([
    'tap',
  ]);
});

it('asks for none of that without it', () => {
  const objects = rendered();
  const tap = named(objects, 'Deployment', 'tap')!['spec'];
  expect([tap.replicas, tap.strategy, tap.template.spec.affinity]).toEqual([1, undefined, undefined]);
  expect(named(objects, 'PodDisruptionBudget', 'tap')).toBeUndefined();
});
