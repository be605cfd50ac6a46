import type { KubeObject } from '#kube/api/types.ts';
import type { Causes } from './causes.ts';

/** What is checked of a kind; the old object is there in an update. */
export type Rule = (object: KubeObject, old: KubeObject | undefined, add: Causes) => void;
