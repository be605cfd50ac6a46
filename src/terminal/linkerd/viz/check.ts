import { printResults } from '../check.ts';
import { UsageError } from '../flags.ts';
import { goDuration, type Verb } from '../verb.ts';
import { vizResults } from './check-results.ts';

const FORMATS = ['table', 'json', 'short'];

export const check: Verb = {
  name: 'check',
  summary: 'Check the Linkerd Viz extension for potential problems',
  long: `Check the Linkerd Viz extension for potential problems.

The check command will perform a series of checks to validate that the Linkerd Viz
extension is configured correctly. If the command encounters a failure it will
print additional information about the failure and exit with a non-zero exit
code.`,
  examples: `  # Check that the viz extension is up and running
  linkerd viz check`,
  takes: { least: 0, most: 0 },
  flags: [
    {
      name: 'namespace',
      short: 'n',
      type: 'string',
      usage: 'Namespace to use for --proxy checks (default: all namespaces)',
    },
    {
      name: 'output',
      short: 'o',
      type: 'string',
      default: '"table"',
      usage: 'Output format. One of: table, json, short',
    },
    { name: 'proxy', usage: 'Also run data-plane checks, to determine if the data plane is healthy' },
    { name: 'wait', type: 'duration', default: '5m0s', usage: 'Maximum allowed time for all tests to pass' },
  ],
  async run(invocation) {
    const { flags, clock, context } = invocation;
    const format = flags.values.get('output') ?? 'table';
    if (!FORMATS.includes(format)) {
      throw new UsageError(
        `validation error when executing check command: Invalid output type '${format}'. Supported output types are: json, table, short`,
      );
    }
    const pacing = {
      clock,
      deadline: clock.now() + goDuration(flags.values.get('wait') ?? '5m0s'),
      signal: context.signal,
    };
    const results = vizResults(invocation, pacing, {
      proxies: flags.values.get('proxy') === 'true',
      namespace: flags.values.get('namespace'),
    });
    return (await printResults(invocation, results, format)) ? 0 : 1;
  },
};
