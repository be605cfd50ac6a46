import type { KubeObject } from '#kube/api/types.ts';
import { chosenResources } from './container-parts.ts';
import { controllerContainer } from './controller-container.ts';
import { controlPlaneDeployment, sha256 } from './deployment.ts';
import type { WebhookMaterial } from './destination.ts';
import { initContainer } from './init-container.ts';
import {
  clusterRole,
  clusterRoleBinding,
  componentLabels,
  createdBy,
  rule,
  service,
  serviceAccount,
  tlsSecret,
} from './names.ts';
import { proxyVolumes } from './pod-volumes.ts';
import { controlPlaneValues, proxyContainer } from './proxy-container.ts';
import type { Values } from './values.ts';
import { INJECTOR_RULES, webhookConfiguration } from './webhooks.ts';

const COMPONENT = 'proxy-injector';
const READ = ['list', 'get', 'watch'];

export function injectorAccess(namespace: string, values: Values, material: WebhookMaterial): KubeObject[] {
  const at = { namespace };
  const labels = componentLabels(at, COMPONENT);
  const name = `linkerd-${namespace}-proxy-injector`;
  return [
    clusterRole(name, labels, [
      rule([''], ['events'], ['create', 'patch']),
      rule([''], ['namespaces', 'replicationcontrollers'], READ),
      rule([''], ['pods'], ['list', 'watch']),
      rule(['extensions', 'apps'], ['deployments', 'replicasets', 'daemonsets', 'statefulsets'], READ),
      rule(['extensions', 'batch'], ['cronjobs', 'jobs'], READ),
    ]),
    clusterRoleBinding(name, labels, name, { name: 'linkerd-proxy-injector', namespace, apiGroup: '' }),
    serviceAccount(at, 'linkerd-proxy-injector', labels),
    tlsSecret(at, 'linkerd-proxy-injector-k8s-tls', COMPONENT, createdBy(values.cliVersion), material),
    webhookConfiguration({
      kind: 'MutatingWebhookConfiguration',
      namespace,
      name: 'proxy-injector',
      component: COMPONENT,
      caBundle: material.caBundle,
      failurePolicy: values.webhookFailurePolicy,
      namespaceSelector: values.proxyInjector.namespaceSelector,
      rules: INJECTOR_RULES,
      extra: { timeoutSeconds: 10 },
    }),
  ];
}

export function injectorObjects(namespace: string, values: Values, access: KubeObject[]): KubeObject[] {
  const own = controlPlaneValues(values);
  const native: boolean = own.proxy.nativeSidecar;
  const proxy = proxyContainer({ namespace, values: own, inboundPorts: '8443,9995' });
  return [
    controlPlaneDeployment({
      namespace,
      values,
      component: COMPONENT,
      selectByDeployment: false,
      checksum: sha256(JSON.stringify(access)),
      annotations: { 'config.linkerd.io/opaque-ports': '8443' },
      containers: [
        ...(native ? [] : [proxy]),
        controllerContainer({
          values,
          name: 'proxy-injector',
          args: [
            'proxy-injector',
            `-log-level=${values.controllerLogLevel}`,
            `-log-format=${values.controllerLogFormat}`,
            `-linkerd-namespace=${namespace}`,
            '-enable-pprof=false',
          ],
          ports: [
            { containerPort: 8443, name: 'proxy-injector' },
            { containerPort: 9995, name: 'injector-admin' },
          ],
          admin: 9995,
          ...chosenResources(values['proxyInjectorResources']),
          mounts: [
            { mountPath: '/var/run/linkerd/config', name: 'config' },
            { mountPath: '/var/run/linkerd/identity/trust-roots', name: 'trust-roots' },
            { mountPath: '/var/run/linkerd/tls', name: 'tls', readOnly: true },
          ],
        }),
      ],
      initContainers: [initContainer(own), ...(native ? [proxy] : [])],
      volumes: [
        { configMap: { name: 'linkerd-config' }, name: 'config' },
        { configMap: { name: 'linkerd-identity-trust-roots' }, name: 'trust-roots' },
        { name: 'tls', secret: { secretName: 'linkerd-proxy-injector-k8s-tls' } },
        ...proxyVolumes(values),
      ],
    }),
    service(
      { namespace },
      {
        name: 'linkerd-proxy-injector',
        component: COMPONENT,
        annotations: { ...createdBy(values.cliVersion), 'config.linkerd.io/opaque-ports': '443' },
        port: { name: 'proxy-injector', port: 443, targetPort: 'proxy-injector' },
      },
    ),
  ];
}
