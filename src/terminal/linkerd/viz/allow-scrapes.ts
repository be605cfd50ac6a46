import { renderAllowScrapes } from '#mesh/viz/allow-scrapes.ts';
import { printDocuments } from '../multicluster/documents.ts';
import { OUTPUT, refuse } from '../multicluster/shared-flags.ts';
import type { Verb } from '../verb.ts';

export const allowScrapes: Verb = {
  name: 'allow-scrapes',
  summary: 'Output Kubernetes resources to authorize Prometheus scrapes',
  usage: '{-n | --namespace } namespace [flags]',
  long: `Output Kubernetes resources to authorize Prometheus scrapes in a namespace or cluster with config.linkerd.io/default-inbound-policy: deny.`,
  examples: `# Prometheus may read the proxies of the namespace shop
linkerd viz allow-scrapes --namespace shop | kubectl apply -f -`,
  flags: [
    {
      name: 'namespace',
      short: 'n',
      type: 'string',
      usage: 'The namespace in which to authorize Prometheus scrapes.',
    },
    OUTPUT,
  ],
  async run(invocation) {
    const namespace = invocation.flags.values.get('namespace');
    if (namespace === undefined) refuse('required flag(s) "namespace" not set');
    return printDocuments(invocation, renderAllowScrapes(namespace!));
  },
};
