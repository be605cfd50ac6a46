/**
 * The parts of a pod as manifests write them. What is read or made by name here has a type; whatever else a part may have
 * stands beside it as plain JSON.
 */
export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: Record<string, object>;
}

export interface VolumeMount {
  mountPath: string;
  name: string;
  readOnly?: boolean;
  subPath?: string;
}

/** A name and one source. */
export interface Volume {
  name: string;
  [source: string]: unknown;
}

export interface ContainerPort {
  containerPort: number;
  name?: string;
  protocol?: string;
}

/** Quantities by resource. */
export interface Resources {
  limits?: Record<string, string>;
  requests?: Record<string, string>;
}

export interface Probe {
  httpGet?: { path?: string; port: number | string; scheme?: string };
  [field: string]: unknown;
}

export interface Capabilities {
  add?: string[];
  drop?: string[];
}

export interface SecurityContext {
  capabilities?: Capabilities;
  [field: string]: unknown;
}

export interface Container {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  ports?: ContainerPort[];
  volumeMounts?: VolumeMount[];
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  /** Null where a chart writes the key without a value. */
  resources?: Resources | null;
  securityContext?: SecurityContext;
  [field: string]: unknown;
}

export interface PodSpec {
  containers?: Container[];
  initContainers?: Container[];
  volumes?: Volume[];
  [field: string]: unknown;
}
