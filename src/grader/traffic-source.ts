import type { KubeObject } from '#kube/api/types.ts';
import type { Lab } from '#schema/lab.ts';

/**
 * The Deployment that makes a lab's background traffic: a loop of curl that prints `<status> <seconds>` for every
 * request, which `TrafficLog` reads from its log. The same on every driver.
 */
export function trafficManifests(traffic: NonNullable<Lab['traffic']>): KubeObject[] {
  const name = traffic.from.replace(/^deployment\//, '');
  const namespace = traffic.namespace ?? 'shop';
  const pauseS = (1 / traffic.perSecond).toFixed(3).replace(/0+$/, '');
  const script = [
    "trap 'exit 0' TERM",
    'while true; do',
    `  curl -s -o /dev/null -m 10 -w '%{http_code} %{time_total}\\n' ${traffic.to}`,
    `  sleep ${pauseS}`,
    'done',
  ].join('\n');
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels: { app: name } },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            serviceAccountName: name,
            terminationGracePeriodSeconds: 5,
            containers: [{ name, image: 'curlimages/curl:8.16.0', command: ['sh', '-c', script] }],
          },
        },
      },
    },
  ];
}
