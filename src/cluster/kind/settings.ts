import { createHash } from 'node:crypto';
import type { ClusterSettings } from '#schema/lab.ts';
import type { NodeLimits, Profile } from './profile.ts';

export interface KindSettings {
  /** Reference of the node image; never pulled. */
  nodeImage: string;
  /** Undefined: found by trying. */
  profile?: Profile;
  limits?: Partial<NodeLimits>;
  /** Path of the official linkerd program; without it the mesh is installed from our own rendering of its manifests. */
  linkerdCli?: string;
  /** Reference of the image in which a session's terminals run; never pulled. Without it there is no toolbox. */
  toolboxImage?: string;
  /**
   * Repositories of this Engine whose images a cluster's pods may have beside those that its lab names; absent: all of them.
   * What else the Engine holds is nothing to a learner.
   */
  lentImages?: readonly string[];
  /** Images that labs run here in place of those that they were written with, by reference. */
  mirrors?: Readonly<Record<string, string>>;
  /** Whose the containers are: the id in the academy's data folder. */
  owner: string;
}

/** Two labs with the same flavour can be given the same prepared cluster. */
export function flavourOf(settings: ClusterSettings): string {
  const { mesh, workers, issuerLifetime, issuanceLifetime, defaultInboundPolicy } = settings;
  const nodes = workers > 0 ? `-${workers + 1}nodes` : '';
  if (mesh === 'none') return `none${nodes}`;
  const text = [mesh, issuerLifetime, issuanceLifetime, defaultInboundPolicy].join('\n');
  return `${mesh}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}${nodes}`;
}

/** Small images that exercises and people try things with. */
export const DEFAULT_LENT_IMAGES = ['busybox', 'curlimages/curl', 'hashicorp/http-echo', 'nginx'];
export const DEFAULT_TOOLBOX_IMAGE = 'academy/toolbox:1';
/** The image that the notes of kind v0.33.0 name for Kubernetes 1.35. */
export const DEFAULT_NODE_IMAGE =
  'kindest/node:v1.35.8@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0';
