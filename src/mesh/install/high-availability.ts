import { setPath } from './overrides.ts';
import type { Values } from './values.ts';

/** What `--ha` lays on the values (chart's values-ha.yaml): replicas, spreading, budgets, requests, strict webhooks. */
export function applyHighAvailability(values: Values, replicas?: number): void {
  values.highAvailability = true;
  values['imagePullSecrets'] = null;
  values.controllerReplicas = replicas ?? 3;
  values.enablePodAntiAffinity = true;
  values.enablePodDisruptionBudget = true;
  values.webhookFailurePolicy = 'Fail';
  values.deploymentStrategy = { rollingUpdate: { maxUnavailable: 1, maxSurge: '25%' } };
  const amounts = {
    cpu: { limit: '', request: '100m' },
    'ephemeral-storage': { limit: '', request: '' },
    memory: { limit: '250Mi', request: '50Mi' },
  };
  for (const name of ['destinationResources', 'identityResources', 'proxyInjectorResources', 'heartbeatResources']) {
    values[name] = structuredClone(amounts);
  }
  values.identityResources.memory = { limit: '250Mi', request: '10Mi' };
  setPath(values, ['proxy', 'resources', 'cpu', 'request'], '100m');
  setPath(values, ['proxy', 'resources', 'memory', 'request'], '20Mi');
  setPath(values, ['proxy', 'resources', 'memory', 'limit'], '250Mi');
}
