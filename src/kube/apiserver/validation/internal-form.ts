import type { KubeObject } from '#kube/api/types.ts';

// biome-ignore lint/suspicious/noExplicitAny: specifications are read field by field.
type Fields = any;

/**
 * The fields of a type in the API server's own form, in its order, which its messages show. A field stands by itself when
 * it is absent (null, "", 0, false); an object or a list of one object says what is within, and is null when absent.
 */
interface Shape {
  [field: string]: null | '' | '0' | 0 | false | Shape | [Shape];
}

const LOCAL: Shape = { Name: '', Optional: null };
const KEY: Shape = { Name: '', Key: '', Optional: null };
const FIELD_REF: Shape = { APIVersion: '', FieldPath: '' };
const RESOURCE_REF: Shape = { ContainerName: '', Resource: '', Divisor: '0' };
const ITEMS: [Shape] = [{ Key: '', Path: '', Mode: null }];
const DOWNWARD: [Shape] = [{ Path: '', FieldRef: FIELD_REF, ResourceFieldRef: RESOURCE_REF, Mode: null }];

const VOLUME: Shape = {
  Name: '',
  HostPath: { Path: '', Type: null },
  EmptyDir: { Medium: '', SizeLimit: null },
  GCEPersistentDisk: null,
  AWSElasticBlockStore: null,
  GitRepo: null,
  Secret: { SecretName: '', Items: ITEMS, DefaultMode: null, Optional: null },
  NFS: { Server: '', Path: '', ReadOnly: false },
  ISCSI: null,
  Glusterfs: null,
  PersistentVolumeClaim: { ClaimName: '', ReadOnly: false },
  RBD: null,
  Quobyte: null,
  FlexVolume: null,
  Cinder: null,
  CephFS: null,
  Flocker: null,
  DownwardAPI: { Items: DOWNWARD, DefaultMode: null },
  FC: null,
  AzureFile: null,
  ConfigMap: { Name: '', Items: ITEMS, DefaultMode: null, Optional: null },
  VsphereVolume: null,
  AzureDisk: null,
  PhotonPersistentDisk: null,
  Projected: {
    Sources: [
      {
        Secret: { Name: '', Items: ITEMS, Optional: null },
        DownwardAPI: { Items: DOWNWARD },
        ConfigMap: { Name: '', Items: ITEMS, Optional: null },
        ServiceAccountToken: { Audience: '', ExpirationSeconds: 0, Path: '' },
        ClusterTrustBundle: null,
        PodCertificate: null,
      },
    ],
    DefaultMode: null,
  },
  PortworxVolume: null,
  ScaleIO: null,
  StorageOS: null,
  CSI: null,
  Ephemeral: null,
  Image: null,
};

const RESOURCES: Shape = { Limits: null, Requests: null, Claims: null };
const EXEC: Shape = { Command: null };
const HTTP_GET: Shape = { Path: '', Port: 0, Host: '', Scheme: '', HTTPHeaders: [{ Name: '', Value: '' }] };
const TCP: Shape = { Port: 0, Host: '' };
const PROBE: Shape = {
  Exec: EXEC,
  HTTPGet: HTTP_GET,
  TCPSocket: TCP,
  GRPC: { Port: 0, Service: null },
  InitialDelaySeconds: 0,
  TimeoutSeconds: 0,
  PeriodSeconds: 0,
  SuccessThreshold: 0,
  FailureThreshold: 0,
  TerminationGracePeriodSeconds: null,
};
const HOOK: Shape = { Exec: EXEC, HTTPGet: HTTP_GET, TCPSocket: TCP, Sleep: { Seconds: 0 } };
const SE_LINUX: Shape = { User: '', Role: '', Type: '', Level: '' };
const PROFILE: Shape = { Type: '', LocalhostProfile: null };

export const SECURITY_CONTEXT: Shape = {
  Capabilities: { Add: null, Drop: null },
  Privileged: null,
  SELinuxOptions: SE_LINUX,
  WindowsOptions: null,
  RunAsUser: null,
  RunAsGroup: null,
  RunAsNonRoot: null,
  ReadOnlyRootFilesystem: null,
  AllowPrivilegeEscalation: null,
  ProcMount: null,
  SeccompProfile: PROFILE,
  AppArmorProfile: PROFILE,
};

const CONTAINER: Shape = {
  Name: '',
  Image: '',
  Command: null,
  Args: null,
  WorkingDir: '',
  Ports: [{ Name: '', HostPort: 0, ContainerPort: 0, Protocol: '', HostIP: '' }],
  EnvFrom: [{ Prefix: '', ConfigMapRef: LOCAL, SecretRef: LOCAL }],
  Env: [
    {
      Name: '',
      Value: '',
      ValueFrom: {
        FieldRef: FIELD_REF,
        ResourceFieldRef: RESOURCE_REF,
        ConfigMapKeyRef: KEY,
        SecretKeyRef: KEY,
        FileKeyRef: null,
      },
    },
  ],
  Resources: RESOURCES,
  ResizePolicy: [{ ResourceName: '', RestartPolicy: '' }],
  RestartPolicy: null,
  RestartPolicyRules: null,
  VolumeMounts: [
    {
      Name: '',
      ReadOnly: false,
      RecursiveReadOnly: null,
      MountPath: '',
      SubPath: '',
      MountPropagation: null,
      SubPathExpr: '',
    },
  ],
  VolumeDevices: null,
  LivenessProbe: PROBE,
  ReadinessProbe: PROBE,
  StartupProbe: PROBE,
  Lifecycle: { PostStart: HOOK, PreStop: HOOK, StopSignal: null },
  TerminationMessagePath: '',
  TerminationMessagePolicy: '',
  ImagePullPolicy: '',
  SecurityContext: SECURITY_CONTEXT,
  Stdin: false,
  StdinOnce: false,
  TTY: false,
};

const NODE_TERM: Shape = { MatchExpressions: [{ Key: '', Operator: '', Values: null }], MatchFields: null };
const POD_TERM: Shape = {
  LabelSelector: null,
  Namespaces: null,
  TopologyKey: '',
  NamespaceSelector: null,
  MatchLabelKeys: null,
  MismatchLabelKeys: null,
};
const POD_AFFINITY: Shape = {
  RequiredDuringSchedulingIgnoredDuringExecution: [POD_TERM],
  PreferredDuringSchedulingIgnoredDuringExecution: [{ Weight: 0, PodAffinityTerm: POD_TERM }],
};

const POD_SPEC: Shape = {
  Volumes: [VOLUME],
  InitContainers: [CONTAINER],
  Containers: [CONTAINER],
  EphemeralContainers: [{ ...CONTAINER, TargetContainerName: '' }],
  RestartPolicy: '',
  TerminationGracePeriodSeconds: null,
  ActiveDeadlineSeconds: null,
  DNSPolicy: '',
  NodeSelector: null,
  ServiceAccountName: '',
  AutomountServiceAccountToken: null,
  NodeName: '',
  SecurityContext: {
    HostNetwork: false,
    HostPID: false,
    HostIPC: false,
    ShareProcessNamespace: null,
    HostUsers: null,
    SELinuxOptions: SE_LINUX,
    WindowsOptions: null,
    RunAsUser: null,
    RunAsGroup: null,
    RunAsNonRoot: null,
    SupplementalGroups: null,
    SupplementalGroupsPolicy: null,
    FSGroup: null,
    FSGroupChangePolicy: null,
    Sysctls: [{ Name: '', Value: '' }],
    SeccompProfile: PROFILE,
    AppArmorProfile: PROFILE,
    SELinuxChangePolicy: null,
  },
  ImagePullSecrets: [{ Name: '' }],
  Hostname: '',
  Subdomain: '',
  SetHostnameAsFQDN: null,
  Affinity: {
    NodeAffinity: {
      RequiredDuringSchedulingIgnoredDuringExecution: { NodeSelectorTerms: [NODE_TERM] },
      PreferredDuringSchedulingIgnoredDuringExecution: [{ Weight: 0, Preference: NODE_TERM }],
    },
    PodAffinity: POD_AFFINITY,
    PodAntiAffinity: POD_AFFINITY,
  },
  SchedulerName: '',
  Tolerations: [{ Key: '', Operator: '', Value: '', Effect: '', TolerationSeconds: null }],
  HostAliases: [{ IP: '', Hostnames: null }],
  PriorityClassName: '',
  Priority: null,
  PreemptionPolicy: null,
  DNSConfig: { Nameservers: null, Searches: null, Options: [{ Name: '', Value: null }] },
  ReadinessGates: [{ ConditionType: '' }],
  RuntimeClassName: null,
  Overhead: null,
  EnableServiceLinks: null,
  TopologySpreadConstraints: [
    {
      MaxSkew: 0,
      TopologyKey: '',
      WhenUnsatisfiable: '',
      LabelSelector: null,
      MinDomains: null,
      NodeAffinityPolicy: null,
      NodeTaintsPolicy: null,
      MatchLabelKeys: null,
    },
  ],
  OS: { Name: '' },
  SchedulingGates: [{ Name: '' }],
  ResourceClaims: null,
  Resources: RESOURCES,
  HostnameOverride: null,
  WorkloadRef: null,
};

const CLAIM_SPEC: Shape = {
  AccessModes: null,
  Selector: null,
  Resources: { Limits: null, Requests: null },
  VolumeName: '',
  StorageClassName: null,
  VolumeMode: null,
  DataSource: null,
  DataSourceRef: null,
  VolumeAttributesClassName: null,
};

/** A claim's specification in the server's own form, as text, one field a line. */
export const internalClaimSpec = (spec: KubeObject['spec']): string =>
  JSON.stringify(internalForm(spec, CLAIM_SPEC), undefined, 1);

/** A value of the API as the server's own type holds it. */
export function internalForm(value: Fields, shape: Shape): Fields {
  return Object.fromEntries(
    Object.entries(shape).map(([field, kind]) => {
      const given = value?.[wireName(field)];
      if (given === undefined || given === null) return [field, isWithin(kind) ? null : kind];
      if (Array.isArray(kind)) return [field, given.map((each: Fields) => internalForm(each, kind[0]))];
      return [field, isWithin(kind) ? internalForm(given, kind as Shape) : given];
    }),
  );
}

const isWithin = (kind: Shape[string]): boolean => typeof kind === 'object' && kind !== null;

/** `HTTPGet` is `httpGet`, `SELinuxOptions` is `seLinuxOptions`, `HostIP` is `hostIP`. */
const wireName = (field: string): string =>
  field.replace(/^(?:[A-Z]+(?=[A-Z][a-z]|$)|[A-Z])/, (start) => start.toLowerCase());

/** A pod's specification in the server's own form, as text, one field a line. */
export const internalPodSpec = (spec: KubeObject['spec']): string => JSON.stringify(podSpecForm(spec), undefined, 1);

/** A pod template in the server's own form. */
export const internalTemplate = ({ metadata, spec }: Fields): Fields => ({ ...metadata, Spec: podSpecForm(spec) });

function podSpecForm(spec: KubeObject['spec']): Fields {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } = spec;
  const securityContext = { ...spec.securityContext, hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers };
  const withResources = (containers: Fields[] | undefined) =>
    containers?.map((container) => ({ ...container, resources: container.resources ?? {} }));
  const whole = {
    ...spec,
    securityContext,
    containers: withResources(spec.containers),
    initContainers: withResources(spec.initContainers),
  };
  return internalForm(whole, POD_SPEC);
}
