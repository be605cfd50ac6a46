import type { KubeObject } from '#kube/api/types.ts';
import { NAMESPACE } from '../labels.ts';
import type { Plan } from './plan.ts';

/** ServiceProfiles of the extension's own Services. */
export function profiles(plan: Plan): KubeObject[] {
  const { values } = plan;
  const profile = (service: string, routes: [method: string, path: string][]): KubeObject => ({
    apiVersion: 'linkerd.io/v1alpha2',
    kind: 'ServiceProfile',
    metadata: plan.metadata(`${service}.${NAMESPACE}.svc.${values.clusterDomain}`, {}),
    spec: {
      routes: routes.map(([method, path]) => ({
        name: `${method} /api/v1/${path}`,
        condition: { method, pathRegex: `/api/v1/${path}` },
      })),
    },
  });
  const asked = ['StatSummary', 'TopRoutes', 'ListPods', 'ListServices', 'SelfCheck', 'Gateways', 'Edges'];
  return [
    profile(
      'metrics-api',
      asked.map((name) => ['POST', name]),
    ),
    ...(values.prometheus.enabled
      ? [
          profile('prometheus', [
            ['POST', 'query'],
            ['GET', 'query_range'],
            ['GET', 'series'],
          ]),
        ]
      : []),
  ];
}
