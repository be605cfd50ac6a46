import { stringify } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import { parsePrivateKey } from '#pki/keys.ts';
import { configOverrides, linkerdConfig } from './config.ts';
import { disruptionBudget } from './deployment.ts';
import { destinationAccess, destinationObjects, type WebhookMaterial } from './destination.ts';
import { heartbeatAccess, heartbeatJob } from './heartbeat.ts';
import { identityAccess, identityObjects } from './identity.ts';
import { podMonitors } from './pod-monitors.ts';
import { injectorAccess, injectorObjects } from './proxy-injector.ts';
import type { Values } from './values.ts';

/** Serving certificates of the three webhooks; they are made anew at every render, as the chart does. */
export interface Webhooks {
  proxyInjector: WebhookMaterial;
  spValidator: WebhookMaterial;
  policyValidator: WebhookMaterial;
}

export interface RenderOptions {
  /** Default `linkerd`. */
  namespace?: string;
  /** Whole values, anchors and (scheme linkerd.io/tls) issuer with key included. */
  values: Values;
  webhooks: Webhooks;
  /** When it is rendered, ms since the epoch; the heartbeat beats ten minutes later, daily. */
  now: number;
}

/** What `linkerd install` prints: the control plane in the order in which it is to be applied. */
export function renderInstall({ namespace = 'linkerd', values: given, webhooks, now }: RenderOptions): KubeObject[] {
  const values = withOwnKeyFormat(given);
  const destination = destinationAccess(namespace, values, webhooks);
  const injector = injectorAccess(namespace, values, webhooks.proxyInjector);
  const { tls } = values.identity.issuer;
  const issuer = tls.keyPEM ? { certificate: tls.crtPEM, privateKey: tls.keyPEM } : undefined;
  const objects = [
    controlPlaneNamespace(namespace, values),
    ...identityAccess(namespace),
    ...destination,
    ...(values.disableHeartBeat ? [] : heartbeatAccess(namespace)),
    ...podMonitors(namespace, values),
    ...injector,
    ...linkerdConfig(namespace, values),
    ...identityObjects(namespace, values, {
      anchors: values.identityTrustAnchorsPEM,
      ...(issuer ? { issuer } : {}),
    }),
    ...destinationObjects(namespace, values, destination),
    ...(values.disableHeartBeat ? [] : [heartbeatJob(namespace, values, now)]),
    ...injectorObjects(namespace, values, injector),
    ...(values.enablePodDisruptionBudget
      ? ['identity', 'destination', 'proxy-injector'].map((each) => disruptionBudget(namespace, values, each))
      : []),
    configOverrides(namespace, values),
  ];
  const imagePullSecrets: object[] = values['imagePullSecrets'] ?? [];
  if (imagePullSecrets.length === 0) return objects;
  return objects.map((each) => (each.kind === 'ServiceAccount' ? { ...each, imagePullSecrets } : each));
}

const controlPlaneNamespace = (namespace: string, values: Values): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: namespace,
    annotations: { 'linkerd.io/inject': 'disabled' },
    labels: {
      'linkerd.io/is-control-plane': 'true',
      'config.linkerd.io/admission-webhooks': 'disabled',
      'linkerd.io/control-plane-ns': namespace,
      'pod-security.kubernetes.io/enforce': values.cniEnabled ? 'restricted' : 'privileged',
    },
  },
});

/** Documents as the CLI prints them. */
export const toYaml = (objects: KubeObject[]): string =>
  objects
    .map((object) => `---\n${stringify(object, { lineWidth: 0, indentSeq: false, aliasDuplicateObjects: false })}`)
    .join('');

/** The issuer's key as the CLI writes it whatever it was given: SEC 1. */
function withOwnKeyFormat(values: Values): Values {
  const { keyPEM } = values.identity.issuer.tls;
  if (!keyPEM) return values;
  try {
    const key = parsePrivateKey(keyPEM);
    if (key.asymmetricKeyType !== 'ec') return values;
    const copy = structuredClone(values);
    copy.identity.issuer.tls.keyPEM = key.export({ type: 'sec1', format: 'pem' }) as string;
    return copy;
  } catch {
    return values;
  }
}
