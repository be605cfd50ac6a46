import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { parse } from 'yaml';

/** A command of a group. `code`, `out` and `err` are what a real cluster answered, as `plain` writes it. */
export interface Step {
  run: string;
  /** Asked again until the answer stays the same (when it is recorded) or is the expected one (when it is replayed). */
  settles?: boolean;
  /** Asked again until stdout says this: what comes of itself after minutes. A replay moves the cluster's clock meanwhile. */
  until?: string;
  /** Lines of stdout may come in any order. */
  anyOrder?: boolean;
  /** Why the embedded cluster answers otherwise. */
  differs?: string;
  code?: number;
  out?: string;
  err?: string;
}

/** Commands on one subject, in order, in a namespace of their own that is called like the group. */
export interface Group {
  group: string;
  files?: Record<string, string>;
  steps: Step[];
}

export interface Answer {
  code: number;
  out: string;
  err: string;
}

export const GROUPS = join(import.meta.dirname, 'groups');
const LIMIT_MS = 300_000;
const SETTLES_MS = 90_000;
const QUIET_MS = 4_000;
const UNTIL_MS = 300_000;

const aMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 500));

export const groupNames = (): string[] =>
  readdirSync(GROUPS)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.replace('.yaml', ''));

export const readGroup = (name: string): Group => parse(readFileSync(join(GROUPS, `${name}.yaml`), 'utf8')) as Group;

/** What differs from run to run: ids, addresses, nodes, name suffixes, hashes, ages, and how wide columns became. */
const ASIDE: [RegExp, string][] = [
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\b(?:sha256:)?[0-9a-f]{64}\b/g, '<id>'],
  [/\bdocker\.io\/(?:library|academy|hashicorp|curlimages)\/[\w.-]+(?::[\w.-]+)?(?:@<id>)?/g, '<image>'],
  [/^W\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ /gm, '<log> '],
  [/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<token>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, '<time>'],
  [/\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000/g, '<time>'],
  [/\b10\.(?:96|244)\.\d+\.\d+\b/g, '<ip>'],
  [/\b(?:172|10)\.\d+\.\d+\.\d+\b/g, '<ip>'],
  [/\b(?:containerd|academy):\/\/(?=<id>)/g, '<runtime>://'],
  [/https:\/\/127\.0\.0\.1:\d+\/clusters\/[\w-]+/g, '<server>'],
  [/\bacademy(?:-[a-z]+)?\/(?=<ip>)/g, '<node>/'],
  [/\bacademy-kube\b|(?<![\w.:/-])academy(?![\w.:/-])|(?<=\bnode\/)academy\b/g, '<node>'],
  [/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-<suffix>'],
  [/((?:pod-template|controller-revision)-hash[=:] ?(?:[a-z-]+-)?)"?[a-z0-9]+"?/g, '$1<hash>'],
  [/(resourceVersion: )"\d+"/g, '$1<n>'],
  [/(Resource Version: +)\d+/g, '$1<n>'],
  [
    /(?<![a-z0-9])([a-z][a-z0-9-]*?)-(?=[a-z0-9]*\d)[bcdf-hj-np-tv-z0-9]{8,10}-[bcdf-hj-np-tv-z0-9]{5}\b/g,
    '$1-<hash>-<suffix>',
  ],
  [/(?<![a-z0-9])([a-z][a-z0-9-]*?)-(?=[a-z0-9]*\d)[bcdf-hj-np-tv-z0-9]{8,10}\b(?!-)/g, '$1-<hash>'],
  [
    /\b(job|node-debugger|pi|once|agent|cron|tick|ds|rs|eph|hello|copy|web|par|headless|named|nobody|sticky|lb|byhand|exposed|auto|fails|suspended|indexed-\d)(-\d{8})?-[bcdf-hj-np-tv-z0-9]{5}\b/g,
    '$1-<suffix>',
  ],
  [/\/tmp\/(?:academy-real-\w+|LIVE-\d+|MERGED-\d+)/g, '<folder>'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \+0000(?: UTC)?/g, '<time>'],
  [/(?<![\w.:=-])\d+(?:\.\d+)?(?:h\d+m|m\d+s|[hms])(?: \(x\d+ over \d+(?:m\d+s|[ms])\))?(?![\w:-])/g, '<age>'],
  [/^Waiting for .*\n/gm, ''],
  [/^Warning: spec.SessionAffinity is ignored.*\n/gm, ''],
  [/[ \t]+/g, ' '],
  [/ +$/gm, ''],
  [/-{4,}/g, '----'],
];

export const plain = (text: string): string =>
  ASIDE.reduce((so, [pattern, word]) => so.replaceAll(pattern, word), text);

export const inAnyOrder = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .sort()
    .join('\n');

/** Runs the official kubectl in bash, in a folder that holds a group's files. */
export class Replay {
  readonly #folder = mkdtempSync(join(tmpdir(), 'academy-real-'));
  readonly #env: NodeJS.ProcessEnv;
  readonly #plain: (text: string) => string;

  /** `programs` are looked for beside kubectl's folder, first; `text` takes out what differs from run to run. */
  constructor(kubectl: string, kubeconfig: string, group: Group, { programs = [] as string[], text = plain } = {}) {
    this.#plain = text;
    const home = join(this.#folder, '.home');
    mkdirSync(home);
    const config = parse(readFileSync(kubeconfig, 'utf8')) as { contexts: { context: { namespace?: string } }[] };
    config.contexts[0]!.context.namespace = group.group;
    writeFileSync(join(home, 'config'), JSON.stringify(config));
    for (const [name, text] of Object.entries(group.files ?? {})) writeFileSync(join(this.#folder, name), text);
    this.#env = {
      PATH: [...[kubectl, ...programs].map((each) => dirname(each)), process.env['PATH']].join(delimiter),
      HOME: home,
      KUBECONFIG: join(home, 'config'),
      KUBE_EDITOR: 'false',
      LANG: 'C',
      TZ: 'UTC',
    };
  }

  /**
   * The answer to a step; `expected` ends the asking of one that settles; `once` asks it, when it is not for bash; `pass`
   * lets time go by between two questions about what comes of itself.
   */
  async answer(
    step: Step,
    expected?: Answer,
    once = (): Promise<Answer> => this.#once(step),
    pass = aMoment,
  ): Promise<Answer> {
    const began = Date.now();
    if (step.until !== undefined) {
      for (;;) {
        const answer = await once();
        const isThere = expected
          ? JSON.stringify(answer) === JSON.stringify(expected)
          : answer.out.includes(step.until);
        if (isThere || Date.now() - began > UNTIL_MS / (expected ? 10 : 1)) return answer;
        await pass();
      }
    }
    let before: string | undefined;
    let since = began;
    for (;;) {
      const answer = await once();
      if (!step.settles || Date.now() - began > SETTLES_MS) return answer;
      const text = JSON.stringify(answer);
      if (expected) {
        if (text === JSON.stringify(expected) || Date.now() - began > SETTLES_MS / 4) return answer;
      } else if (text !== before) {
        before = text;
        since = Date.now();
      } else if (Date.now() - since > QUIET_MS) return answer;
      await aMoment();
    }
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #once({ run, anyOrder }: Step): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const child = spawn('bash', ['-c', run], { cwd: this.#folder, env: this.#env, timeout: LIMIT_MS });
      let [out, err] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        err += text;
      });
      child.stdin.end();
      child.on('error', reject);
      child.on('close', (code) => {
        const lines = this.#plain(out);
        resolve({
          code: code ?? -1,
          out: anyOrder ? inAnyOrder(lines) : lines,
          err: this.#plain(err),
        });
      });
    });
  }
}
