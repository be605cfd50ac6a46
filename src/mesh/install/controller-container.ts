import type {
  Container,
  ContainerPort,
  EnvVar,
  Probe,
  Resources,
  SecurityContext,
  VolumeMount,
} from '#kube/api/pod-parts.ts';
import { apiAccessMount } from './pod-volumes.ts';
import type { Values } from './values.ts';

/** What containers of the controller image share. */
export const controllerSecurity = (values: Values): SecurityContext => ({
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: values.controllerUID,
  ...(values.controllerGID >= 0 ? { runAsGroup: values.controllerGID } : {}),
  allowPrivilegeEscalation: false,
  seccompProfile: { type: 'RuntimeDefault' },
});

/** A container of the controller image with its admin endpoint's probes. */
export function controllerContainer(options: {
  values: Values;
  name: string;
  args: string[];
  command?: string[];
  ports: ContainerPort[];
  admin: number | string;
  live?: string;
  mounts: VolumeMount[];
  env?: EnvVar[];
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  resources?: Resources | null;
}): Container {
  const { values } = options;
  return {
    ...(options.command ? { command: options.command } : {}),
    args: options.args,
    ...(options.env ? { env: options.env } : {}),
    image: `${values.controllerImage}:${values.linkerdVersion}`,
    imagePullPolicy: values.imagePullPolicy,
    livenessProbe: {
      httpGet: { path: options.live ?? '/ping', port: options.admin },
      initialDelaySeconds: 10,
      ...options.livenessProbe,
    },
    name: options.name,
    ports: options.ports,
    readinessProbe: {
      failureThreshold: 7,
      httpGet: { path: '/ready', port: options.admin },
      ...options.readinessProbe,
    },
    ...(options.resources === undefined ? {} : { resources: options.resources }),
    securityContext: controllerSecurity(values),
    volumeMounts: [...options.mounts, apiAccessMount],
  };
}
