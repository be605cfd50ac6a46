import { parse, stringify } from 'yaml';
import { AcademyError, messageOf } from '#base/errors.ts';
import type { KubeClient } from './client.ts';
import { createKubeClient } from './create.ts';
import { createHttpTransport, type HttpAccess } from './http.ts';
import type { OwnNetwork } from './own-network.ts';

export interface KubeconfigCluster {
  server?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
  [field: string]: unknown;
}
export interface KubeconfigUser {
  token?: string;
  'client-certificate-data'?: string;
  'client-key-data'?: string;
  [field: string]: unknown;
}
export interface KubeconfigContext {
  cluster?: string;
  user?: string;
  namespace?: string;
  [field: string]: unknown;
}

/** A kubeconfig file, as client-go reads it (tools/clientcmd/api/v1). */
export interface Kubeconfig {
  apiVersion: 'v1';
  kind: 'Config';
  clusters: { name: string; cluster: KubeconfigCluster }[];
  users: { name: string; user: KubeconfigUser }[];
  contexts: { name: string; context: KubeconfigContext }[];
  'current-context': string;
  preferences?: Record<string, unknown>;
  [field: string]: unknown;
}

/** Reads a kubeconfig; lists that are absent become empty. Throws an Error naming what is wrong with the YAML. */
export function parseKubeconfig(text: string): Kubeconfig {
  const read: unknown = parse(text) ?? {};
  if (typeof read !== 'object' || Array.isArray(read)) throw new Error('a kubeconfig is a YAML mapping');
  const config = read as Partial<Kubeconfig>;
  return {
    ...config,
    apiVersion: 'v1',
    kind: 'Config',
    clusters: config.clusters ?? [],
    users: config.users ?? [],
    contexts: config.contexts ?? [],
    'current-context': config['current-context'] ?? '',
  };
}

/** Keys in alphabetical order, as client-go writes them. */
export const stringifyKubeconfig = (config: Kubeconfig): string => stringify(config, { sortMapEntries: true });

export interface KubeconfigAccess {
  /** Used for the cluster, the user and the context alike. */
  name: string;
  server: string;
  /** PEM. */
  ca?: string;
  token?: string;
  clientCert?: string;
  clientKey?: string;
  namespace?: string;
}

/** A kubeconfig with one cluster, one user and one context. */
export function kubeconfigFor(access: KubeconfigAccess): Kubeconfig {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const { name } = access;
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server: access.server,
          ...(access.ca ? { 'certificate-authority-data': base64(access.ca) } : {}),
        },
      },
    ],
    users: [
      {
        name,
        user: {
          ...(access.token ? { token: access.token } : {}),
          ...(access.clientCert ? { 'client-certificate-data': base64(access.clientCert) } : {}),
          ...(access.clientKey ? { 'client-key-data': base64(access.clientKey) } : {}),
        },
      },
    ],
    contexts: [
      { name, context: { cluster: name, user: name, ...(access.namespace ? { namespace: access.namespace } : {}) } },
    ],
    'current-context': name,
  };
}

/** What a context points to; throws `driver/unavailable` when a part of it is missing. */
export function accessOf(config: Kubeconfig, contextName = config['current-context']): HttpAccess {
  const context = config.contexts.find((each) => each.name === contextName)?.context;
  const cluster = config.clusters.find((each) => each.name === context?.cluster)?.cluster;
  const user = config.users.find((each) => each.name === context?.user)?.user;
  if (!cluster?.server) {
    throw new AcademyError('driver/unavailable', `The kubeconfig names no cluster for the context "${contextName}".`);
  }
  const pem = (base64: string | undefined) => (base64 ? Buffer.from(base64, 'base64').toString('utf8') : undefined);
  const optional = {
    token: user?.token,
    ca: pem(cluster['certificate-authority-data']),
    clientCert: pem(user?.['client-certificate-data']),
    clientKey: pem(user?.['client-key-data']),
    insecure: cluster['insecure-skip-tls-verify'],
    tlsServerName: cluster['tls-server-name'],
  };
  return {
    server: cluster.server,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

/**
 * A client for a context (the current one unless named) of a kubeconfig's text; `network` is where the server is, when that
 * is an embedded cluster's.
 */
export function clientFromKubeconfig(text: string, context?: string, network?: OwnNetwork): KubeClient {
  let config: Kubeconfig;
  try {
    config = parseKubeconfig(text);
  } catch (error) {
    throw new AcademyError('driver/unavailable', `The kubeconfig cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return createKubeClient(createHttpTransport({ ...accessOf(config, context), ...(network ? { network } : {}) }));
}
