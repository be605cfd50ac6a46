import type { KubeObject } from '#kube/api/types.ts';
import { chosenResources } from './container-parts.ts';
import { controllerContainer } from './controller-container.ts';
import { controlPlaneDeployment } from './deployment.ts';
import { initContainer } from './init-container.ts';
import {
  base64,
  clusterRole,
  clusterRoleBinding,
  componentLabels,
  createdBy,
  rule,
  service,
  serviceAccount,
} from './names.ts';
import { proxyVolumes } from './pod-volumes.ts';
import { controlPlaneValues, proxyContainer } from './proxy-container.ts';
import type { Values } from './values.ts';

const COMPONENT = 'identity';

export function identityAccess(namespace: string): KubeObject[] {
  const at = { namespace };
  const labels = componentLabels(at, COMPONENT);
  const role = `linkerd-${namespace}-identity`;
  return [
    clusterRole(role, labels, [
      rule(['authentication.k8s.io'], ['tokenreviews'], ['create']),
      rule([''], ['events'], ['create', 'patch']),
    ]),
    clusterRoleBinding(role, labels, role, { name: 'linkerd-identity', namespace }),
    serviceAccount(at, 'linkerd-identity', labels),
  ];
}

export interface IdentityMaterial {
  anchors: string;
  issuer?: { certificate: string; privateKey: string };
}

/** Issuer Secret (unless it comes from outside), trust roots, Services and the Deployment. */
export function identityObjects(namespace: string, values: Values, material: IdentityMaterial): KubeObject[] {
  const at = { namespace };
  const labels = componentLabels(at, COMPONENT);
  const annotations = createdBy(values.cliVersion);
  const { issuer } = values.identity;
  const own = controlPlaneValues(values);
  const objects: KubeObject[] = [];
  if (material.issuer && issuer.scheme === 'linkerd.io/tls') {
    objects.push({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'linkerd-identity-issuer', namespace, labels, annotations },
      data: {
        'crt.pem': base64(material.issuer.certificate.trim()),
        'key.pem': base64(material.issuer.privateKey.trim()),
      },
    });
  }
  if (!values.identity.externalCA) {
    objects.push({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'linkerd-identity-trust-roots', namespace, labels, annotations },
      data: { 'ca-bundle.crt': material.anchors.trim() },
    });
  }
  const grpc = { name: 'grpc', port: 8080, targetPort: 8080 };
  objects.push(
    service(at, { name: 'linkerd-identity', component: COMPONENT, annotations, port: grpc }),
    service(at, { name: 'linkerd-identity-headless', component: COMPONENT, annotations, headless: true, port: grpc }),
    controlPlaneDeployment({
      namespace,
      values,
      component: COMPONENT,
      selectByDeployment: true,
      containers: [
        controllerContainer({
          values,
          name: 'identity',
          args: [
            'identity',
            `-log-level=${values.controllerLogLevel}`,
            `-log-format=${values.controllerLogFormat}`,
            `-controller-namespace=${namespace}`,
            `-identity-trust-domain=${values.identityTrustDomain}`,
            `-identity-issuance-lifetime=${issuer.issuanceLifetime}`,
            `-identity-clock-skew-allowance=${issuer.clockSkewAllowance}`,
            `-identity-scheme=${issuer.scheme}`,
            '-enable-pprof=false',
            '-kube-apiclient-qps=100',
            '-kube-apiclient-burst=200',
          ],
          env: [{ name: 'LINKERD_DISABLED', value: 'linkerd-await cannot block the identity controller' }],
          ports: [
            { containerPort: 8080, name: 'ident-grpc' },
            { containerPort: 9990, name: 'ident-admin' },
          ],
          admin: 9990,
          ...chosenResources(values['identityResources']),
          mounts: [
            { mountPath: '/var/run/linkerd/identity/issuer', name: 'identity-issuer' },
            { mountPath: '/var/run/linkerd/identity/trust-roots/', name: 'trust-roots' },
          ],
        }),
        // Not a sidecar here: the proxy waits for the identity controller beside it.
        proxyContainer({
          namespace,
          values: own,
          inboundPorts: '8080,9990',
          local: 'identity',
          requireTlsOnPorts: '8080',
        }),
      ],
      initContainers: [initContainer(own)],
      volumes: [
        { name: 'identity-issuer', secret: { secretName: 'linkerd-identity-issuer' } },
        { configMap: { name: 'linkerd-identity-trust-roots' }, name: 'trust-roots' },
        ...proxyVolumes(values),
      ],
    }),
  );
  return objects;
}
