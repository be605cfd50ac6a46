import type { Verb } from './verb.ts';

export const prune: Verb = {
  name: 'prune',
  summary: 'Output extraneous Kubernetes resources in the linkerd control plane',
  long: `Output extraneous Kubernetes resources in the linkerd control plane.`,
  examples: `  # Prune extraneous resources.
  linkerd prune | kubectl delete -f -`,
  flags: [{ name: 'output', short: 'o', type: 'string', default: '"yaml"', usage: 'Output format. One of: json|yaml' }],
  async run() {
    // There is one version only, so nothing of an older one can be left behind.
    return 0;
  },
};
