import { StatusError } from '#kube/api/status.ts';
import { renderAllow } from '#mesh/multicluster/install/render.ts';
import { multiclusterDefaults } from '#mesh/multicluster/install/values.ts';
import { NAMESPACE } from '#mesh/multicluster/labels.ts';
import type { Verb } from '../verb.ts';
import { printDocuments } from './documents.ts';
import { OUTPUT, refuse, textOf } from './shared-flags.ts';

export const allow: Verb = {
  name: 'allow',
  summary: 'Outputs credential resources that allow service-mirror controllers to connect to this cluster',
  flags: [
    { name: 'ignore-cluster', usage: 'Ignore cluster configuration' },
    {
      name: 'namespace',
      type: 'string',
      default: JSON.stringify(NAMESPACE),
      usage: 'The destination namespace for the service account.',
    },
    OUTPUT,
    {
      name: 'service-account-name',
      type: 'string',
      usage: 'The name of the multicluster access service account',
    },
  ],
  async run(invocation) {
    const namespace = textOf(invocation, 'namespace', NAMESPACE);
    const account = textOf(invocation, 'service-account-name');
    if (namespace === '') refuse('you need to specify a namespace');
    if (account === '') refuse('you need to specify a service account name');
    if (textOf(invocation, 'ignore-cluster') !== 'true') {
      const target = { group: '', version: 'v1', resource: 'serviceaccounts', namespace };
      const present = await invocation.client.get(target, account).catch((error: unknown) => {
        if (error instanceof StatusError && error.code === 404) return undefined;
        throw error;
      });
      if (present) {
        refuse(`Service account with name ${account} already exists, use --ignore-cluster for force operation`);
      }
    }
    const values = multiclusterDefaults();
    values.remoteMirrorServiceAccountName = account;
    return printDocuments(invocation, renderAllow(values, namespace));
  },
};
