import { UsageError } from '../flags.ts';
import { Failure, type Verb } from '../verb.ts';
import { requireViz } from './extension.ts';
import { openTap } from './tap-events.ts';
import { tapJson, tapLine, tapPath, wideTapLine } from './tap-lines.ts';
import { TAP_FLAGS, TAPPED_RESOURCES, tapRequest } from './tap-request.ts';

const FORMATS: Record<string, typeof tapLine> = { '': tapLine, wide: wideTapLine, json: tapJson };
const PATH = 'jsonpath';

const isFormat = (output: string): boolean => output in FORMATS || output.startsWith(PATH);

function formatOf(output: string): typeof tapLine {
  const known = FORMATS[output];
  if (known) return known;
  const [, expression = '', ...more] = output.split('=');
  if (expression === '' || more.length > 0) throw new Failure('{"error jsonpath": "jsonpath filter not found"}');
  return tapPath(expression);
}

export const tap: Verb = {
  name: 'tap',
  summary: 'Listen to a traffic stream',
  long: `Listen to a traffic stream.

  The RESOURCE argument specifies the target resource(s) to tap:
${TAPPED_RESOURCES}`,
  usage: '[flags] (RESOURCE)',
  examples: `  # tap the web deployment in the default namespace
  linkerd viz tap deploy/web

  # tap the web-dlbvj pod in the default namespace
  linkerd viz tap pod/web-dlbvj

  # tap the test namespace, filter by request to prod namespace
  linkerd viz tap ns/test --to ns/prod`,
  takes: { least: 1, most: 2 },
  flags: [
    ...TAP_FLAGS,
    { name: 'output', short: 'o', type: 'string', usage: 'Output format. One of: "wide", "json", "jsonpath"' },
  ],
  async run(invocation) {
    await requireViz(invocation);
    const output = invocation.flags.values.get('output') ?? '';
    if (!isFormat(output))
      throw new UsageError(
        `validation error when executing tap command: output format ${JSON.stringify(output)} not recognized`,
      );
    const events = await openTap(invocation, tapRequest(invocation, output === 'json'));
    const line = formatOf(output);
    for await (const event of events) await invocation.out(`${line(event)}\n`);
    return 0;
  },
};
