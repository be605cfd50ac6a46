import { categoriesFor } from '#mesh/check/categories.ts';
import { type Result, runChecks } from '#mesh/check/runner.ts';
import { World } from '#mesh/check/world.ts';
import { LINKERD_VERSION } from '#mesh/install/values.ts';
import { UsageError } from './flags.ts';
import { linkResults } from './multicluster/check-results.ts';
import { extensionNamespace } from './multicluster/gateway-metrics.ts';
import { goDuration, type Invocation, type Verb } from './verb.ts';
import { vizResults } from './viz/check-results.ts';
import { vizNamespace } from './viz/extension.ts';

const MARKS = { success: '√', warning: '‼', error: '×' } as const;

export const check: Verb = {
  name: 'check',
  summary: 'Check the Linkerd installation for potential problems',
  long: `Check the Linkerd installation for potential problems.

The check command will perform a series of checks to validate that the linkerd
CLI and control plane are configured correctly. If the command encounters a
failure it will print additional information about the failure and exit with a
non-zero exit code.`,
  examples: `  # Check that the Linkerd control plane is up and running
  linkerd check

  # Check that the Linkerd control plane can be installed in the "test" namespace
  linkerd check --pre --linkerd-namespace test

  # Check that the Linkerd data plane proxies in the "app" namespace are up and running
  linkerd check --proxy --namespace app`,
  flags: [
    {
      name: 'cli-version-override',
      type: 'string',
      usage: 'Used to override the version of the cli (mostly for testing)',
    },
    { name: 'crds', usage: 'Only run checks which determine if the Linkerd CRDs have been installed' },
    {
      name: 'expected-version',
      type: 'string',
      usage: 'Overrides the version used when checking if Linkerd is running the latest version (mostly for testing)',
    },
    {
      name: 'linkerd-cni-enabled',
      usage:
        'When running pre-installation checks (--pre), assume the linkerd-cni plugin is already installed, and a NET_ADMIN check is not needed',
    },
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
    { name: 'pre', usage: 'Only run pre-installation checks, to determine if the control plane can be installed' },
    { name: 'proxy', usage: 'Only run data-plane checks, to determine if the data plane is healthy' },
    { name: 'wait', type: 'duration', default: '5m0s', usage: 'Maximum allowed time for all tests to pass' },
  ],
  takes: { least: 0, most: 0 },
  run,
};

async function run(invocation: Invocation): Promise<number> {
  const { flags, client, clock, context } = invocation;
  const on = (name: string) => flags.values.get(name) === 'true';
  const format = flags.values.get('output') ?? 'table';
  const invalid = contradiction(on, format);
  if (invalid) throw new UsageError(`Validation error when executing check command: ${invalid}`);
  const expected = flags.values.get('expected-version');
  const dataPlane = flags.values.get('namespace');
  const world = new World({
    client,
    clock,
    controlPlane: invocation.controlPlane,
    cliVersion: flags.values.get('cli-version-override') ?? LINKERD_VERSION,
    ...(expected ? { expectedVersion: expected } : {}),
    ...(dataPlane ? { dataPlane } : {}),
    cniEnabled: on('linkerd-cni-enabled'),
    preInstall: on('pre') || on('crds'),
    cniNamespace: flags.values.get('cni-namespace') ?? 'linkerd-cni',
  });
  const pacing = {
    clock,
    deadline: clock.now() + goDuration(flags.values.get('wait') ?? '5m0s'),
    signal: context.signal,
  };
  const own = runChecks(categoriesFor({ pre: on('pre'), crds: on('crds'), proxy: on('proxy') }), world, pacing);
  const results = on('pre') || on('crds') ? own : withExtensions(own, invocation, pacing);
  return (await printResults(invocation, results, format)) ? 0 : 1;
}

/** After the control plane's own checks come those of the extensions that are installed. */
async function* withExtensions(
  own: AsyncIterable<Result>,
  invocation: Invocation,
  pacing: Parameters<typeof runChecks>[2],
): AsyncGenerator<Result> {
  yield* own;
  if (await extensionNamespace(invocation.client).catch(() => undefined)) yield* linkResults(invocation, pacing);
  if (!(await vizNamespace(invocation).catch(() => undefined))) return;
  const { values } = invocation.flags;
  yield* vizResults(invocation, pacing, {
    proxies: values.get('proxy') === 'true',
    namespace: values.get('namespace'),
  });
}

/** Prints the lines of a run as they come; true when nothing failed. */
export const printResults = (
  invocation: Pick<Invocation, 'out'>,
  results: AsyncIterable<Result>,
  format: string,
): Promise<boolean> => (format === 'json' ? printJson(invocation, results) : printText(invocation, results, format));

function contradiction(on: (name: string) => boolean, format: string): string | undefined {
  if (on('pre') && on('proxy')) return '--pre and --proxy flags are mutually exclusive';
  if (on('pre') && on('crds')) return '--pre and --crds flags are mutually exclusive';
  if (!on('pre') && on('linkerd-cni-enabled')) return '--linkerd-cni-enabled can only be used with --pre';
  if (['json', 'table', 'short'].includes(format)) return undefined;
  return `Invalid output type '${format}'. Supported output types are: json, table, short`;
}

async function printText(
  { out }: Pick<Invocation, 'out'>,
  results: AsyncIterable<Result>,
  format: string,
): Promise<boolean> {
  let success = true;
  let category: string | undefined;
  for await (const result of results) {
    if (result.result === 'error') success = false;
    if (format === 'short' && result.result === 'success') continue;
    if (result.category !== category) {
      if (category !== undefined) await out('\n');
      category = result.category;
      await out(`${category}\n${'-'.repeat(category.length)}\n`);
    }
    let text = `${MARKS[result.result]} ${result.description}\n`;
    if (result.message !== undefined) {
      // Further lines bring their own indentation.
      text += `    ${result.message}\n    see ${result.hint} for hints\n`;
    }
    await out(text);
  }
  if (category !== undefined) await out('\n');
  await out(`Status check results are ${success ? '√' : '×'}\n`);
  return success;
}

async function printJson({ out }: Pick<Invocation, 'out'>, results: AsyncIterable<Result>): Promise<boolean> {
  let success = true;
  const categories: { categoryName: string; checks: Record<string, string>[] }[] = [];
  for await (const result of results) {
    if (result.result === 'error') success = false;
    if (categories.at(-1)?.categoryName !== result.category)
      categories.push({ categoryName: result.category, checks: [] });
    categories.at(-1)!.checks.push({
      description: result.description,
      ...(result.message === undefined ? {} : { hint: result.hint, error: result.message }),
      result: result.result,
    });
  }
  const json = JSON.stringify({ success, categories }, null, 2);
  await out(`${json.replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)}\n`);
  return success;
}
