import { type Result, runChecks } from '#mesh/check/runner.ts';
import { World } from '#mesh/check/world.ts';
import { LINKERD_VERSION } from '#mesh/install/values.ts';
import type { Invocation } from '../verb.ts';
import { linkChecks } from './check-links.ts';
import { mirrorChecks } from './check-mirrors.ts';
import { proxyChecks } from './check-proxies.ts';
import { LinkWorld } from './check-world.ts';

/** The lines of `linkerd multicluster check`, which `linkerd check` has as well where the extension is installed. */
export function linkResults(invocation: Invocation, pacing: Parameters<typeof runChecks>[2]): AsyncGenerator<Result> {
  const { client, clock, controlPlane } = invocation;
  const world = new LinkWorld(new World({ client, clock, controlPlane, cliVersion: LINKERD_VERSION }), invocation);
  const category = { name: 'linkerd-multicluster', checks: [...linkChecks, ...mirrorChecks, ...proxyChecks] };
  return runChecks([category], world, pacing);
}
