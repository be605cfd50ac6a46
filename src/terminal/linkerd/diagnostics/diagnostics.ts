import type { Verb } from '../verb.ts';
import { endpoints } from './endpoints.ts';
import { controllerMetrics, proxyMetrics } from './metrics.ts';
import { policy } from './policy.ts';
import { profile } from './profile.ts';

export const diagnostics: Verb = {
  name: 'diagnostics',
  aliases: ['dg'],
  summary: 'Commands used to diagnose Linkerd components',
  long: `Commands used to diagnose Linkerd components.

This command provides subcommands to diagnose the functionality of Linkerd.`,
  examples: `  # Get control-plane component metrics
  linkerd diagnostics controller-metrics

  # Get metrics from the web deployment in the emojivoto namespace.
  linkerd diagnostics proxy-metrics -n emojivoto deploy/web`,
  verbs: [controllerMetrics, endpoints, policy, profile, proxyMetrics],
};
