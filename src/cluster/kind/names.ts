/** Names of containers and networks begin so. */
export const nodeName = (cluster: string): string => `academy-${cluster}`;
export const toolboxName = (cluster: string): string => `${nodeName(cluster)}-toolbox`;
export const workerName = (cluster: string, index: number): string => `${nodeName(cluster)}-worker${index + 1}`;
