import type { KubeObject } from '#kube/api/types.ts';

/** What an object prints in each column. */
export type Cells = (object: KubeObject, now: number) => unknown[];
