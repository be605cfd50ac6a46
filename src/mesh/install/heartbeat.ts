import type { KubeObject } from '#kube/api/types.ts';
import { resources } from './container-parts.ts';
import { controllerSecurity } from './controller-container.ts';
import { placement } from './deployment.ts';
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
import { apiAccessMount, apiAccessVolume } from './pod-volumes.ts';
import type { Values } from './values.ts';

const NAME = 'linkerd-heartbeat';

/** What the heartbeat may read. */
export function heartbeatAccess(namespace: string): KubeObject[] {
  const at = { namespace };
  const labels = { 'linkerd.io/control-plane-ns': namespace };
  return [
    role(at, NAME, labels, [rule([''], ['configmaps'], ['get'], ['linkerd-config'])]),
    roleBinding(at, NAME, labels, NAME, NAME),
    clusterRole(NAME, labels, [
      rule([''], ['namespaces'], ['list']),
      rule(['linkerd.io'], ['serviceprofiles'], ['list']),
    ]),
    clusterRoleBinding(NAME, labels, NAME, { name: NAME, namespace }),
    serviceAccount(at, NAME, componentLabels(at, 'heartbeat')),
  ];
}

/** The daily job that would report the version; here it has nobody to report to. */
export function heartbeatJob(namespace: string, values: Values, now: number): KubeObject {
  const first = new Date(now + 600_000);
  const schedule = `${pad(first.getUTCMinutes())} ${pad(first.getUTCHours())} * * *`;
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: {
      name: NAME,
      namespace,
      labels: {
        'app.kubernetes.io/name': 'heartbeat',
        'app.kubernetes.io/part-of': 'Linkerd',
        'app.kubernetes.io/version': values.linkerdVersion,
        ...componentLabels({ namespace }, 'heartbeat'),
      },
      annotations: createdBy(values.cliVersion),
    },
    spec: {
      concurrencyPolicy: 'Replace',
      schedule: values.heartbeatSchedule || schedule,
      successfulJobsHistoryLimit: 0,
      jobTemplate: {
        spec: {
          template: {
            metadata: {
              labels: {
                'linkerd.io/control-plane-component': 'heartbeat',
                'linkerd.io/workload-ns': namespace,
                ...values.podLabels,
              },
              annotations: { ...createdBy(values.cliVersion), ...values.podAnnotations },
            },
            spec: {
              ...placement(values),
              nodeSelector: structuredClone(values.nodeSelector),
              securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
              serviceAccountName: NAME,
              restartPolicy: 'Never',
              automountServiceAccountToken: false,
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
                    `-prometheus-url=${values.prometheusUrl || `http://prometheus.linkerd-viz.svc.${values.clusterDomain}:9090`}`,
                  ],
                  ...(values.heartbeatResources ? { resources: resources(values.heartbeatResources) } : {}),
                  securityContext: controllerSecurity(values),
                  volumeMounts: [apiAccessMount],
                },
              ],
              volumes: [apiAccessVolume],
            },
          },
        },
      },
    },
  };
}

const pad = (number: number): string => String(number).padStart(2, '0');
