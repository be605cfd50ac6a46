import type { NodeLimits, Profile } from './profile.ts';

export interface KindSettings {
  /** Reference of the node image; never pulled. */
  nodeImage: string;
  /** Undefined: found by trying. */
  profile?: Profile;
  limits?: Partial<NodeLimits>;
  /** Path of the official linkerd program; without it the mesh is installed from our own rendering of its manifests. */
  linkerdCli?: string;
  /** Whose the containers are: the id in the academy's data folder. */
  owner: string;
}

export const DEFAULT_NODE_IMAGE = 'kindest/node:v1.35.0';
