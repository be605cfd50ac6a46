import type { KubeObject } from '#kube/api/types.ts';
import { controllerSecurity } from './control-plane-proxy.ts';
import {
  clusterRole,
  clusterRoleBinding,
  componentLabels,
  createdBy,
  role,
  roleBinding,
  rule,
  serviceAccount,
} from './names.ts';
import type { Values } from './values.ts';

const NAME = 'linkerd-heartbeat';

/** The daily job that would report the version; here it has nobody to report to. */
export function heartbeatObjects(namespace: string, values: Values): KubeObject[] {
  const at = { namespace };
  const labels = { 'linkerd.io/control-plane-ns': namespace };
  const component = componentLabels(at, 'heartbeat');
  return [
    role(at, NAME, labels, [rule([''], ['configmaps'], ['get'], ['linkerd-config'])]),
    roleBinding(at, NAME, labels, NAME, NAME),
    clusterRole(NAME, labels, [
      rule([''], ['namespaces'], ['list']),
      rule(['linkerd.io'], ['serviceprofiles'], ['list']),
    ]),
    clusterRoleBinding(NAME, labels, NAME, { name: NAME, namespace }),
    serviceAccount(at, NAME, component),
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: {
        name: NAME,
        namespace,
        labels: {
          'app.kubernetes.io/name': 'heartbeat',
          'app.kubernetes.io/part-of': 'Linkerd',
          'app.kubernetes.io/version': values.linkerdVersion,
          ...component,
        },
        annotations: createdBy(values.cliVersion),
      },
      spec: {
        concurrencyPolicy: 'Replace',
        schedule: values.heartbeatSchedule || '0 0 * * *',
        successfulJobsHistoryLimit: 0,
        jobTemplate: {
          spec: {
            template: {
              metadata: {
                labels: { 'linkerd.io/control-plane-component': 'heartbeat', 'linkerd.io/workload-ns': namespace },
                annotations: createdBy(values.cliVersion),
              },
              spec: {
                nodeSelector: structuredClone(values.nodeSelector),
                securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
                serviceAccountName: NAME,
                restartPolicy: 'Never',
                containers: [
                  {
                    name: 'heartbeat',
                    image: `${values.controllerImage}:${values.linkerdVersion}`,
                    imagePullPolicy: values.imagePullPolicy,
                    env: [{ name: 'LINKERD_DISABLED', value: 'the heartbeat controller does not use the proxy' }],
                    args: [
                      'heartbeat',
                      `-controller-namespace=${namespace}`,
                      `-log-level=${values.controllerLogLevel}`,
                      `-log-format=${values.controllerLogFormat}`,
                      '-prometheus-url=',
                    ],
                    securityContext: controllerSecurity(values),
                  },
                ],
              },
            },
          },
        },
      },
    },
  ];
}
