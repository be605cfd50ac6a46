import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { AcademyError, messageOf } from '#base/errors.ts';
import { clientFromKubeconfig } from '#kube/client/kubeconfig.ts';
import { parseCaseFile } from '#mesh/conformance/case-file.ts';
import { ownCases } from '#mesh/conformance/own-cases.ts';
import { runConformance } from '#mesh/conformance/run.ts';
import type { Verdict } from '#mesh/conformance/verdict.ts';
import { USAGE } from '../usage.ts';

const MARKS = { agrees: 'ok  ', differs: 'DIFF', 'not-run': '-   ' } as const;

function print(verdict: Verdict): void {
  const { id, title, result, expected, observed, reason } = verdict;
  console.log(`${MARKS[result]}  ${id.padEnd(8)} ${title}`);
  console.log(`      expected  ${expected}`);
  if (observed) console.log(`      observed  ${observed}`);
  if (reason) console.log(`      ${result === 'not-run' ? 'not run' : 'because'}   ${reason}`);
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new AcademyError('request/invalid', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
};

/** `academy conformance`: exit 0 when every case that ran agrees. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      kubeconfig: { type: 'string' },
      context: { type: 'string' },
      cases: { type: 'string' },
      only: { type: 'string', multiple: true },
      parallel: { type: 'string', default: '6' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help || !values.kubeconfig) {
    console.error(USAGE.conformance);
    return values.help ? 0 : 2;
  }
  const file = values.cases ? parseCaseFile(read(values.cases)) : ownCases();
  const only = values.only?.flatMap((each) => each.split(','));
  const unknown = only?.filter((id) => !file.cases.some((each) => each.id === id)) ?? [];
  if (unknown.length > 0)
    throw new AcademyError('request/invalid', `There is no case ${unknown.join(', ')} in the file.`);
  const stopping = new AbortController();
  const onSignal = () => stopping.abort(new DOMException('stopped', 'AbortError'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const verdicts = await runConformance({
    client: clientFromKubeconfig(read(values.kubeconfig), values.context),
    file,
    ...(only ? { only } : {}),
    parallel: Math.max(1, Number(values.parallel) || 1),
    signal: stopping.signal,
    ...(values.json ? {} : { onVerdict: print }),
  });
  const count = (result: Verdict['result']) => verdicts.filter((each) => each.result === result).length;
  if (values.json) console.log(JSON.stringify(verdicts, null, 2));
  else
    console.log(
      `\n${verdicts.length} cases: ${count('agrees')} agree, ${count('differs')} differ, ${count('not-run')} not run`,
    );
  return count('differs') === 0 ? 0 : 1;
}
