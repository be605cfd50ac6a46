import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkContent } from '#content/check.ts';
import { asLine, type Mistake } from '#content/mistakes.ts';
import { CATALOGUE } from '#grader/catalogue.ts';

const ROOT = join(import.meta.dirname, 'fixtures/broken');

let mistakes: Mistake[];
beforeAll(async () => {
  ({ mistakes } = await checkContent(ROOT, CATALOGUE));
});
/** Lines of the mistakes in one file, without the file's name. */
const of = (file: string) =>
  mistakes.filter((mistake) => mistake.file === file).map((mistake) => asLine(mistake).slice(file.length + 1));

describe('a lab.yaml with ten mistakes', () => {
  it('has all ten reported at once, each with its line and what was meant', () => {
    expect(of('labs/ten-mistakes/lab.yaml')).toEqual([
      '4:1  level: "begginer" is none of beginner, intermediate, advanced. Did you mean "beginner"?',
      '5:1  minutes: expected a number, found "20".',
      '6:12  cluster.mesch: there is no such key. Did you mean "mesh"?',
      '7:9  start[0]: there is no file labs/ten-mistakes/start/shop.yml. Did you mean "shop.yaml"?',
      '11:5  tasks[0].check: there is no check "certifcate". Did you mean "certificate"?',
      '15:13  tasks[1].needs[0]: there is no task "frist-task". Did you mean "first-task"?',
      '17:33  tasks[1].with.raison: there is no such key. Did you mean "reason"?',
      '20:13  tasks[2].needs[0]: a task can’t need itself.',
      '22:5  tasks[2].check: looks at the background traffic, and the lab has no `traffic`.',
      '24:17  tasks[2].hints[0].when.check: is "trafic", but this task\'s check is "traffic"; the hint would never be shown.',
    ]);
  });

  it('has the files beside it judged as well', () => {
    expect(of('labs/ten-mistakes/solution.md')).toEqual([
      '1  is missing: it is what a learner sees who asks for the solution.',
    ]);
    expect(of('labs/ten-mistakes/start/shop.yaml')).toEqual([
      '1  is not named under `start` in lab.yaml, so nobody applies it.',
    ]);
    expect(of('labs/ten-mistakes/wrong').join()).toContain('holds one wrong solution');
    expect(of('labs/ten-mistakes/wrong/one.sh')).toEqual([
      '2  there is no task "secnd-task" to stay red. Did you mean "second-task"?',
      expect.stringMatching(/^\d+ {2}pipes into `grep -q` under pipefail/),
    ]);
  });
});

describe('tasks and hints', () => {
  it('that can never pass, or give the solution away, are found', () => {
    expect(of('labs/never-passes/lab.yaml')).toEqual([
      '9:5  tasks[0].needs: can never pass: one needs two needs one.',
      '14:13  tasks[1].hints[0]: gives the solution away: it contains `kubectl -n shop rollout restart deployment`, a whole line of solution.sh.',
      '17:5  tasks[1].needs: can never pass: two needs one needs two.',
      '18:5  tasks[2].id: "one" is the id of an earlier task as well.',
      '23:5  tasks[2].needs: can never pass: it waits for the invariant "always", which passes only after all others.',
      '26:5  tasks[3].holdSeconds: has a meaning only with `mode: hold`.',
    ]);
  });
});

describe('a command of a lesson', () => {
  it('that calls what not every toolbox has is told to the lab', () => {
    expect(of('lessons/course-one/030-third/index.mdx')).toContain(
      '14  calls linkerd viz, which not every toolbox has: write `uses: [viz]` into labs/never-passes/lab.yaml.',
    );
  });
});

describe('a lab with two clusters', () => {
  it('has the names of its clusters looked up', () => {
    expect(of('labs/two-clusters/lab.yaml')).toEqual([
      '1  no lesson opens this lab, so no learner can reach it.',
      '6:1  drivers: names kind, which has no second cluster: write `drivers: [embedded]`.',
      '9:27  cluster.others[0].network: "gatway" is none of gateway, flat. Did you mean "gateway"?',
      '10:9  start[0]: "norht/shop.yaml" lies in a folder that is named for none of the lab\'s clusters. Did you mean "north"?',
      '14:5  tasks[0].cluster: the lab has no cluster "nroth". Did you mean "north"?',
    ]);
  });
});

describe('lessons', () => {
  it('have what MDX would misread named before MDX stumbles over it', () => {
    expect(of('lessons/course-one/010-first/index.mdx')).toEqual([
      '5:1  lab: there is no lab "ten-mistake". Did you mean "ten-mistakes"?',
      '6:9  needs[0]: there is no lesson "secnd". Did you mean "second"?',
      '9:22  <none> is no tag that a page knows. Output such as <none> belongs into backticks.',
      '9:66  `{{ .Values.name }}.`: MDX takes a brace for the beginning of an expression. Put the text into backticks, or write \\{.',
      '13:1  there is no component <Taks>. Did you mean "Task"?',
      '15:1  there is no view "polices": certificates, policy, traffic, events. Did you mean "policy"?',
      '17:16  there is no page "/course-one/secnd/". Did you mean "/course-one/second/"?',
      '17:48  there is no heading "#no-such-heading" on /course-one/first/.',
      '19:1  right={2} is the place of no option; the first is 0, the last 1.',
      '21:1  <Aside> is never closed.',
    ]);
  });

  it('place the tasks of their lab, each once', () => {
    expect(of('lessons/course-one/020-second/index.mdx')).toEqual([
      '5:1  lab: the text does not place the task "first-task" of this lab: write <Task id="first-task">.',
      '5:1  lab: the text does not place the task "second-task" of this lab: write <Task id="second-task">.',
      '5:1  lab: the text does not place the task "third-task" of this lab: write <Task id="third-task">.',
      '8:1  MDX takes a line that begins with "import" for program code. Begin it with another word.',
      '10:1  the lab ten-mistakes has no task "first-tsk". Did you mean "first-task"?',
    ]);
  });

  it('show only values that a cluster has', () => {
    const placed = (line: string) => !/places? the task|does not place/.test(line);
    expect(of('lessons/course-one/040-values/index.mdx').filter(placed)).toEqual([
      '8:1  <Observe> needs one of view="…", certificate="…", rate="…" and object="…".',
      '10:1  certificate="web": write deployment/<name>, another kind of workload, issuer or trust-anchor.',
      '12:1  show="agee" is none of age, left, issuer, identity. Did you mean "age"?',
      '14:1  the lab has no deployment/wbe in the namespace shop. Did you mean "deployment/web"?',
      '16:1  <Observe object="…"> needs field="…".',
      '18:1  field="status readyReplicas": write a path such as status.readyReplicas or metadata.annotations[\'linkerd.io/inject\'].',
      '20:1  this lesson’s lab has no `traffic`.',
      '22:1  <Observe rate="…"> has no attribute "show": rate, namespace.',
      '24:1  <Observe> has no attribute "labl". Did you mean "label"?',
      '26:1  <Observe view="…"> has no attribute "label".',
    ]);
  });

  it('name a lesson of another course with its course', () => {
    expect(of('lessons/course-two/010-elsewhere/index.mdx')).toEqual([
      '5:9  needs[0]: there is no lesson "second". Did you mean "course-one/second"?',
    ]);
  });

  it('stand in folders with names and courses with a place', () => {
    expect(of('lessons/course-one/course.yaml')).toEqual(['1:1  order: is missing; expected a number.']);
    expect(of('lessons/course-one/thirty')).toEqual(['1  a lesson’s folder is called like 010-some-slug.']);
  });
});
