import type { Volume, VolumeMount } from '#kube/api/pod-parts.ts';
import type { Values } from './values.ts';

export const apiAccessVolume: Volume = {
  name: 'kube-api-access',
  projected: {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { items: [{ key: 'ca.crt', path: 'ca.crt' }], name: 'kube-root-ca.crt' } },
      {
        downwardAPI: {
          items: [{ fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' }, path: 'namespace' }],
        },
      },
    ],
  },
};

/** The volumes that the proxy, its init container and a controller's API access need. */
export const proxyVolumes = (values: Values): Volume[] => [
  apiAccessVolume,
  ...(values.cniEnabled ? [] : [{ emptyDir: {}, name: values.proxyInit.xtMountPath.name }]),
  {
    name: 'linkerd-identity-token',
    projected: {
      sources: [
        {
          serviceAccountToken: {
            path: 'linkerd-identity-token',
            expirationSeconds: 86400,
            audience: 'identity.l5d.io',
          },
        },
      ],
    },
  },
  { emptyDir: { medium: 'Memory' }, name: 'linkerd-identity-end-entity' },
];

export const apiAccessMount: VolumeMount = {
  mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
  name: 'kube-api-access',
  readOnly: true,
};
