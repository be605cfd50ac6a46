import type { KubeObject } from '#kube/api/types.ts';
import { chosenResources, resources } from './container-parts.ts';
import { controllerContainer } from './controller-container.ts';
import { controlPlaneDeployment, sha256 } from './deployment.ts';
import { initContainer } from './init-container.ts';
import {
  clusterRole,
  clusterRoleBinding,
  componentLabels,
  createdBy,
  role,
  roleBinding,
  rule,
  service,
  serviceAccount,
  tlsSecret,
} from './names.ts';
import { proxyVolumes } from './pod-volumes.ts';
import { controlPlaneValues, proxyContainer } from './proxy-container.ts';
import type { Values } from './values.ts';
import { POLICY_VALIDATOR_RULES, SP_VALIDATOR_RULES, webhookConfiguration } from './webhooks.ts';

const COMPONENT = 'destination';
const READ = ['list', 'get', 'watch'];
const WATCH = ['get', 'list', 'watch'];

export interface WebhookMaterial {
  certificate: string;
  privateKey: string;
  caBundle: string;
}

export interface DestinationMaterial {
  spValidator: WebhookMaterial;
  policyValidator: WebhookMaterial;
}

export function destinationAccess(namespace: string, values: Values, material: DestinationMaterial): KubeObject[] {
  const at = { namespace };
  const labels = componentLabels(at, COMPONENT);
  const policyLabels = { 'app.kubernetes.io/part-of': 'Linkerd', ...labels };
  const annotations = createdBy(values.cliVersion);
  const clusterName = `linkerd-${namespace}-destination`;
  const webhook = {
    kind: 'ValidatingWebhookConfiguration' as const,
    namespace,
    component: COMPONENT,
    failurePolicy: values.webhookFailurePolicy,
  };
  return [
    clusterRole(clusterName, labels, [
      rule(['apps'], ['replicasets'], READ),
      rule(['batch'], ['jobs'], READ),
      rule([''], ['pods', 'endpoints', 'services', 'nodes'], READ),
      rule(['linkerd.io'], ['serviceprofiles'], READ),
      rule(['workload.linkerd.io'], ['externalworkloads'], READ),
      rule(['coordination.k8s.io'], ['leases'], ['create', 'get', 'update', 'patch']),
      ...(values.enableEndpointSlices
        ? [rule(['discovery.k8s.io'], ['endpointslices'], [...READ, 'create', 'update', 'patch', 'delete'])]
        : []),
    ]),
    clusterRoleBinding(clusterName, labels, clusterName, { name: 'linkerd-destination', namespace }),
    serviceAccount(at, 'linkerd-destination', labels),
    tlsSecret(at, 'linkerd-sp-validator-k8s-tls', COMPONENT, annotations, material.spValidator),
    webhookConfiguration({
      ...webhook,
      name: 'sp-validator',
      caBundle: material.spValidator.caBundle,
      namespaceSelector: values.profileValidator.namespaceSelector,
      rules: SP_VALIDATOR_RULES,
    }),
    tlsSecret(at, 'linkerd-policy-validator-k8s-tls', COMPONENT, annotations, material.policyValidator),
    webhookConfiguration({
      ...webhook,
      name: 'policy-validator',
      caBundle: material.policyValidator.caBundle,
      namespaceSelector: values.policyValidator.namespaceSelector,
      rules: POLICY_VALIDATOR_RULES,
    }),
    clusterRole('linkerd-policy', policyLabels, [
      rule([''], ['pods'], WATCH),
      rule(['apps'], ['deployments'], ['get']),
      rule(
        ['policy.linkerd.io'],
        [
          'authorizationpolicies',
          'httplocalratelimitpolicies',
          'httproutes',
          'meshtlsauthentications',
          'networkauthentications',
          'servers',
          'serverauthorizations',
          'egressnetworks',
        ],
        WATCH,
      ),
      rule(['gateway.networking.k8s.io'], ['httproutes', 'grpcroutes', 'tlsroutes', 'tcproutes'], WATCH),
      rule(
        ['policy.linkerd.io'],
        ['httproutes/status', 'httplocalratelimitpolicies/status', 'egressnetworks/status'],
        ['patch'],
      ),
      rule(
        ['gateway.networking.k8s.io'],
        ['httproutes/status', 'grpcroutes/status', 'tlsroutes/status', 'tcproutes/status'],
        ['patch'],
      ),
      rule(['workload.linkerd.io'], ['externalworkloads'], WATCH),
      rule(['coordination.k8s.io'], ['leases'], ['create', 'get', 'patch']),
    ]),
    clusterRoleBinding('linkerd-destination-policy', policyLabels, 'linkerd-policy', {
      name: 'linkerd-destination',
      namespace,
    }),
    role(at, 'remote-discovery', policyLabels, [rule([''], ['secrets'], WATCH)]),
    roleBinding(at, 'linkerd-destination-remote-discovery', policyLabels, 'remote-discovery', 'linkerd-destination'),
  ];
}

export function destinationObjects(namespace: string, values: Values, access: KubeObject[]): KubeObject[] {
  const at = { namespace };
  const annotations = createdBy(values.cliVersion);
  const named = (name: string, port: Parameters<typeof service>[1]['port'], headless = false) =>
    service(at, { name, component: COMPONENT, annotations, headless, port });
  const own = controlPlaneValues(values);
  const native: boolean = own.proxy.nativeSidecar;
  const proxy = proxyContainer({
    namespace,
    values: own,
    inboundPorts: '8086,8090,8443,9443,9990,9996,9997',
    local: 'destination',
  });
  const logs = [`-log-level=${values.controllerLogLevel}`, `-log-format=${values.controllerLogFormat}`];
  return [
    named('linkerd-dst', { name: 'grpc', port: 8086, targetPort: 8086 }),
    named('linkerd-dst-headless', { name: 'grpc', port: 8086, targetPort: 8086 }, true),
    named('linkerd-sp-validator', { name: 'sp-validator', port: 443, targetPort: 'sp-validator' }),
    named('linkerd-policy', { name: 'grpc', port: 8090, targetPort: 8090 }, true),
    named('linkerd-policy-validator', { name: 'policy-https', port: 443, targetPort: 'policy-https' }),
    controlPlaneDeployment({
      namespace,
      values,
      component: COMPONENT,
      selectByDeployment: true,
      checksum: sha256(JSON.stringify(access)),
      containers: [
        ...(native ? [] : [proxy]),
        controllerContainer({
          values,
          name: 'destination',
          args: [
            'destination',
            '-addr=:8086',
            `-controller-namespace=${namespace}`,
            `-outbound-transport-mode=${values.proxy.outboundTransportMode}`,
            `-enable-h2-upgrade=${values.enableH2Upgrade}`,
            ...logs,
            `-enable-endpoint-slices=${values.enableEndpointSlices}`,
            `-cluster-domain=${values.clusterDomain}`,
            `-identity-trust-domain=${values.identityTrustDomain}`,
            `-default-opaque-ports=${values.proxy.opaquePorts}`,
            `-enable-ipv6=${!values.disableIPv6}`,
            '-enable-pprof=false',
            `--meshed-http2-client-params=${JSON.stringify(values.destinationController.meshedHttp2ClientProtobuf)}`,
          ],
          ports: [
            { containerPort: 8086, name: 'dest-grpc' },
            { containerPort: 9996, name: 'dest-admin' },
          ],
          admin: 9996,
          ...chosenResources(values['destinationResources']),
          mounts: [],
        }),
        controllerContainer({
          values,
          name: 'sp-validator',
          args: ['sp-validator', ...logs, '-enable-pprof=false'],
          ports: [
            { containerPort: 8443, name: 'sp-validator' },
            { containerPort: 9997, name: 'spval-admin' },
          ],
          admin: 9997,
          ...chosenResources(values['spValidatorResources']),
          mounts: [{ mountPath: '/var/run/linkerd/tls', name: 'sp-tls', readOnly: true }],
          livenessProbe: values.spValidator.livenessProbe,
          readinessProbe: values.spValidator.readinessProbe,
        }),
        controllerContainer({
          values,
          name: 'policy',
          command: ['/linkerd-policy-controller'],
          args: [
            '--admin-addr=0.0.0.0:9990',
            `--control-plane-namespace=${namespace}`,
            '--grpc-addr=0.0.0.0:8090',
            '--server-addr=0.0.0.0:9443',
            '--server-tls-key=/var/run/linkerd/tls/tls.key',
            '--server-tls-certs=/var/run/linkerd/tls/tls.crt',
            `--cluster-networks=${values.clusterNetworks}`,
            `--identity-domain=${values.identityTrustDomain}`,
            `--cluster-domain=${values.clusterDomain}`,
            `--default-policy=${values.proxy.defaultInboundPolicy}`,
            `--log-level=${values.policyController.logLevel}`,
            `--log-format=${values.controllerLogFormat}`,
            `--default-opaque-ports=${values.proxy.opaquePorts}`,
            `--global-egress-network-namespace=${values.egress.globalEgressNetworkNamespace}`,
            `--probe-networks=${values.policyController.probeNetworks.join(',')}`,
          ],
          ports: [
            { containerPort: 8090, name: 'policy-grpc' },
            { containerPort: 9990, name: 'policy-admin' },
            { containerPort: 9443, name: 'policy-https' },
          ],
          admin: 'policy-admin',
          live: '/live',
          mounts: [{ mountPath: '/var/run/linkerd/tls', name: 'policy-tls', readOnly: true }],
          resources: resources(values.policyController.resources),
        }),
      ],
      initContainers: [initContainer(own), ...(native ? [proxy] : [])],
      volumes: [
        { name: 'sp-tls', secret: { secretName: 'linkerd-sp-validator-k8s-tls' } },
        { name: 'policy-tls', secret: { secretName: 'linkerd-policy-validator-k8s-tls' } },
        ...proxyVolumes(values),
      ],
    }),
  ];
}
