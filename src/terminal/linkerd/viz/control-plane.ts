import { existence } from '#mesh/check/existence.ts';
import { runChecks } from '#mesh/check/runner.ts';
import { World } from '#mesh/check/world.ts';
import type { Values } from '#mesh/install/values.ts';
import { LINKERD_VERSION } from '#mesh/install/values.ts';
import type { Flag } from '../flags.ts';
import { Failure, goDuration, type Invocation } from '../verb.ts';

export const WAIT: Flag = {
  name: 'wait',
  type: 'duration',
  default: '5m0s',
  usage: 'Wait for core control-plane components to be available',
};

/** What the control plane was installed with. Fails unless it runs, or does within `--wait`. */
export async function requireControlPlane({
  client,
  clock,
  context,
  controlPlane,
  flags,
}: Invocation): Promise<Values> {
  const world = new World({ client, clock, controlPlane, cliVersion: LINKERD_VERSION });
  const deadline = clock.now() + goDuration(flags.values.get('wait') ?? '5m0s');
  for await (const { result, message } of runChecks([existence], world, { clock, deadline, signal: context.signal })) {
    if (result === 'error')
      throw new Failure(`Cannot find Linkerd: ${message}\nValidate the install with: 'linkerd check'`);
  }
  return world.values();
}
