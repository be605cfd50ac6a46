import { CORE } from '#mesh/check/world.ts';
import { printResults } from '../check.ts';
import { Failure, goDuration, type Invocation, type Verb } from '../verb.ts';
import { linkResults } from './check-results.ts';
import { extensionNamespace, NO_EXTENSION } from './gateway-metrics.ts';
import { refuse, textOf } from './shared-flags.ts';

export const check: Verb = {
  name: 'check',
  summary: 'Check the multicluster extension for potential problems',
  long: `Check the multicluster extension for potential problems.

The check command will perform a series of checks to validate that the
multicluster extension is configured correctly. If the command encounters a
failure it will print additional information about the failure and exit with a
non-zero exit code.`,
  examples: `  # Check that the multicluster extension is configured correctly
  linkerd multicluster check`,
  flags: [
    {
      name: 'output',
      short: 'o',
      type: 'string',
      default: '"table"',
      usage: 'Output format. One of: table, json, short',
    },
    { name: 'timeout', type: 'duration', default: '10s', usage: 'Timeout for calls to the Kubernetes API' },
    { name: 'wait', type: 'duration', default: '5m0s', usage: 'Maximum allowed time for all tests to pass' },
  ],
  run,
};

async function run(invocation: Invocation): Promise<number> {
  const { client, clock, context, controlPlane } = invocation;
  if (!(await extensionNamespace(client))) {
    throw new Failure(`${NO_EXTENSION}; install by running \`linkerd multicluster install | kubectl apply -f -\``);
  }
  const format = textOf(invocation, 'output', 'table');
  if (!['table', 'json', 'short'].includes(format)) {
    refuse(
      `Validation error when executing check command: Invalid output type '${format}'. Supported output types are: json, table, short`,
    );
  }
  await client.get(CORE('configmaps', controlPlane), 'linkerd-config').catch((error: Error) => {
    throw new Failure(`Failed to fetch linkerd config: ${error.message}`);
  });
  const results = linkResults(invocation, {
    clock,
    deadline: clock.now() + goDuration(textOf(invocation, 'wait', '5m0s')),
    signal: context.signal,
  });
  return (await printResults(invocation, results, format)) ? 0 : 1;
}
