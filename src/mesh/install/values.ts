/** The release this mesh imitates. */
export const LINKERD_VERSION = 'edge-26.8.3';

/** The values of the control-plane chart. Only the fields that rendering reads are named; all travel in linkerd-config. */
export interface Values {
  cliVersion: string;
  clusterDomain: string;
  clusterNetworks: string;
  cniEnabled: boolean;
  controllerGID: number;
  controllerImage: string;
  controllerLogFormat: string;
  controllerLogLevel: string;
  controllerReplicas: number;
  controllerUID: number;
  disableHeartBeat: boolean;
  enableH2Upgrade: boolean;
  enablePodAntiAffinity: boolean;
  enablePodDisruptionBudget: boolean;
  heartbeatSchedule: string;
  highAvailability: boolean;
  identity: {
    issuer: {
      clockSkewAllowance: string;
      issuanceLifetime: string;
      scheme: string;
      tls: { crtPEM: string; keyPEM?: string };
      [key: string]: unknown;
    };
    externalCA: boolean;
    [key: string]: unknown;
  };
  identityTrustAnchorsPEM: string;
  identityTrustDomain: string;
  imagePullPolicy: string;
  linkerdVersion: string;
  webhookFailurePolicy: string;
  // biome-ignore lint/suspicious/noExplicitAny: a chart's values are a tree of many shapes; rendering reads some leaves.
  [key: string]: any;
}
