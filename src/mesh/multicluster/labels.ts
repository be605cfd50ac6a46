/** The names by which the parts of a multi-cluster mesh find each other (pkg/k8s/labels.go). */
export const EXPORTED = 'mirror.linkerd.io/exported';
export const FEDERATED = 'mirror.linkerd.io/federated';
export const MIRRORED_SERVICE = 'mirror.linkerd.io/mirrored-service';
export const MIRRORED_GATEWAY = 'mirror.linkerd.io/mirrored-gateway';
export const HEADLESS_ROOT = 'mirror.linkerd.io/headless-mirror-svc-name';
export const CLUSTER_NAME = 'mirror.linkerd.io/cluster-name';
export const REMOTE_VERSION = 'mirror.linkerd.io/remote-resource-version';
export const REMOTE_FQDN = 'mirror.linkerd.io/remote-svc-fq-name';
export const REMOTE_GATEWAY_IDENTITY = 'mirror.linkerd.io/remote-gateway-identity';
export const GATEWAY_IDENTITY = 'mirror.linkerd.io/gateway-identity';
export const PROBE_PERIOD = 'mirror.linkerd.io/probe-period';
export const PROBE_PATH = 'mirror.linkerd.io/probe-path';
export const MULTICLUSTER_GATEWAY = 'mirror.linkerd.io/multicluster-gateway';
export const CREDENTIALS_TYPE = 'mirror.linkerd.io/remote-kubeconfig';

/** Labels of flat mirrors; as an annotation of a federated Service, its members elsewhere. */
export const REMOTE_DISCOVERY = 'multicluster.linkerd.io/remote-discovery';
export const REMOTE_SERVICE = 'multicluster.linkerd.io/remote-service';
export const LOCAL_DISCOVERY = 'multicluster.linkerd.io/local-discovery';
/** Of the credentials that destination reads. */
export const CREDENTIALS_CLUSTER = 'multicluster.linkerd.io/cluster-name';
export const TRUST_DOMAIN = 'multicluster.linkerd.io/trust-domain';
export const CLUSTER_DOMAIN = 'multicluster.linkerd.io/cluster-domain';

export const EXTENSION = 'linkerd.io/extension';
export const CREATED_BY = 'linkerd.io/created-by';
export const NAMESPACE = 'linkerd-multicluster';

export const LINK = { group: 'multicluster.linkerd.io', version: 'v1alpha3', resource: 'links' } as const;
export const SERVICES = { group: '', version: 'v1', resource: 'services' } as const;
export const ENDPOINTS = { group: '', version: 'v1', resource: 'endpoints' } as const;
export const NAMESPACES = { group: '', version: 'v1', resource: 'namespaces' } as const;
export const SECRETS = { group: '', version: 'v1', resource: 'secrets' } as const;

/** The lease by which the replicas of a link's controller agree which of them works. */
export const leaseOf = (cluster: string): string => `service-mirror-write-${cluster}`;
export const credentialsOf = (cluster: string): string => `cluster-credentials-${cluster}`;
