import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { officialKubectl } from '../../support/official-kubectl.ts';
import { type Answer, Replay } from '../real/replay.ts';
import { GROUPS, type Group, groupNames, namespaceNames, namespacesOf, plain, readGroup, withFiles } from './replay.ts';

/**
 * `node test/contract/real-mesh/record.ts KUBECONFIG [--compare] [group …]`: runs the groups on the real cluster with the real mesh
 * behind that kubeconfig (as `academy cluster up --driver kind --mesh` starts one) and writes its answers down. With `--compare`
 * nothing is written: what is answered otherwise than recorded is printed, whichever cluster it is.
 * The official linkerd CLI is the one that ACADEMY_LINKERD_CLI names.
 */
async function main(args: string[]): Promise<void> {
  const compares = args.includes('--compare');
  const [kubeconfig, ...names] = args.filter((each) => !each.startsWith('--'));
  if (!kubeconfig) throw new Error('usage: record.ts KUBECONFIG [--compare] [group …]');
  const linkerd = process.env['ACADEMY_LINKERD_CLI'];
  let [alike, all] = [0, 0];
  for (const name of names.length > 0 ? names : groupNames()) {
    const [same, steps] = await play(readGroup(name), name, kubeconfig, linkerd ? [linkerd] : [], compares);
    alike += same;
    all += steps;
  }
  if (compares) console.log(`${alike} of ${all} alike`);
}

async function play(
  group: Group,
  name: string,
  kubeconfig: string,
  programs: string[],
  compares: boolean,
): Promise<[number, number]> {
  const kubectl = officialKubectl();
  const inCluster = (input: string, ...words: string[]) =>
    execFileSync(kubectl, ['--kubeconfig', kubeconfig, ...words], { stdio: 'pipe', input });
  inCluster(JSON.stringify(namespacesOf(group)), 'create', '-f', '-');
  const replay = new Replay(kubectl, kubeconfig, withFiles(group), { programs, text: plain });
  const seen: Group = { ...group, steps: [] };
  let alike = 0;
  try {
    for (const step of group.steps) {
      const before =
        step.code === undefined ? undefined : { code: step.code, out: step.out ?? '', err: step.err ?? '' };
      const answer = await replay.answer(step, compares ? before : undefined);
      if (compares && before && JSON.stringify(before) === JSON.stringify(answer)) alike++;
      else if (compares) console.log(difference(name, step.run, before, answer, step.differs));
      const { code: _c, out: _o, err: _e, ...rest } = step;
      const { code, out, err } = answer;
      seen.steps.push({ ...rest, code, ...(out ? { out } : {}), ...(err ? { err } : {}) });
      // At each step: a recording that is broken off keeps what it has.
      if (!compares) write(name, { ...seen, steps: [...seen.steps, ...group.steps.slice(seen.steps.length)] });
    }
  } finally {
    replay.close();
    inCluster('', 'delete', 'namespace', ...namespaceNames(group), '--wait=false');
  }
  return [alike, group.steps.length];
}

const write = (name: string, group: Group): void =>
  writeFileSync(join(GROUPS, `${name}.yaml`), stringify(group, { lineWidth: 0 }));

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
