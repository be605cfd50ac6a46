import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { officialKubectl } from '../../support/official-kubectl.ts';
import { type Answer, GROUPS, type Group, groupNames, Replay, readGroup } from './replay.ts';

/**
 * `node test/contract/real/record.ts KUBECONFIG [group …]`: runs the groups on the real cluster behind that kubeconfig (as
 * `academy cluster up --driver kind` starts one, whose images are named as the groups name them) and writes its answers down.
 * With `--compare` nothing is written: what is answered otherwise than before is printed, whichever cluster it is.
 */
async function main(args: string[]): Promise<void> {
  const compares = args.includes('--compare');
  const [kubeconfig, ...names] = args.filter((each) => !each.startsWith('--'));
  if (!kubeconfig) throw new Error('usage: record.ts KUBECONFIG [--compare] [group …]');
  const kubectl = await officialKubectl();
  let [alike, all] = [0, 0];
  for (const name of names.length > 0 ? names : groupNames()) {
    const group = readGroup(name);
    const inCluster = (...words: string[]) =>
      execFileSync(kubectl, ['--kubeconfig', kubeconfig, ...words], { stdio: 'pipe' });
    inCluster('create', 'namespace', group.group);
    const replay = new Replay(kubectl, kubeconfig, group);
    const seen: Group = { ...group, steps: [] };
    for (const step of group.steps) {
      const before =
        step.code === undefined ? undefined : { code: step.code, out: step.out ?? '', err: step.err ?? '' };
      const answer = await replay.answer(step, compares ? before : undefined);
      if (compares) {
        all++;
        if (before && JSON.stringify(before) === JSON.stringify(answer)) alike++;
        else console.log(difference(name, step.run, before, answer, step.differs));
      }
      const { code: _c, out: _o, err: _e, ...rest } = step;
      seen.steps.push({
        ...rest,
        code: answer.code,
        ...(answer.out ? { out: answer.out } : {}),
        ...(answer.err ? { err: answer.err } : {}),
      });
    }
    replay.close();
    inCluster('delete', 'namespace', group.group, '--wait=false');
    if (!compares) writeFileSync(join(GROUPS, `${name}.yaml`), stringify(seen, { lineWidth: 0 }));
  }
  if (compares) console.log(`${alike} of ${all} alike`);
}

function difference(
  name: string,
  run: string,
  before: Answer | undefined,
  now: Answer,
  differs: string | undefined,
): string {
  const lines = (answer: Answer | undefined): string[] =>
    answer
      ? [...answer.out.split('\n'), ...answer.err.split('\n').map((line) => `E ${line}`), `code ${answer.code}`]
      : [];
  const [old, fresh] = [lines(before), lines(now)];
  return [
    `=== ${name}: ${run}${differs ? `   (known: ${differs})` : ''}`,
    ...old.filter((line) => !fresh.includes(line)).map((line) => `- ${line}`),
    ...fresh.filter((line) => !old.includes(line)).map((line) => `+ ${line}`),
    ...(JSON.stringify(old.toSorted()) === JSON.stringify(fresh.toSorted())
      ? ['  (the order differs)', ...fresh.map((l) => `  ${l}`)]
      : []),
  ].join('\n');
}

await main(process.argv.slice(2));
