import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { AcademyError, messageOf } from '#base/errors.ts';
import { readParameters } from '#grader/parameters.ts';
import { type Lab, lab as labSchema, slug } from '#schema/lab.ts';
import { type LabNeeds, labNeeds } from './lab-needs.ts';

/**
 * A lab as a session needs it: its definition, with the parameters of its checks read, and the text of its files.
 * `instructor.md` is never read here.
 */
export interface LoadedLab {
  id: string;
  definition: Lab;
  /** `start/`: name and content, in the order of `definition.start`. */
  start: { name: string; content: string }[];
  /** `files/`: what the editor shows, path relative to the learner's home. */
  files: Record<string, string>;
  solution: { markdown: string; script: string };
  needs: LabNeeds;
  /** Images that are run in place of others here, by reference; what this lab holds names them already. */
  mirrors?: Readonly<Record<string, string>>;
}

/** Reads labs from a folder with one folder a lab. Lab ids are checked before they touch the file system. */
export class LabSource {
  readonly #root: string;
  readonly #cache = new Map<string, Promise<LoadedLab>>();

  constructor(root: string) {
    this.#root = root;
  }

  async ids(): Promise<string[]> {
    const entries = await readdir(this.#root, { withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => entry.isDirectory() && slug.safeParse(entry.name).success)
      .map((entry) => entry.name)
      .sort();
  }

  /** Rejects with `lab/unknown` or `lab/invalid`. */
  load(id: string): Promise<LoadedLab> {
    const known = this.#cache.get(id);
    if (known) return known;
    const loading = this.#read(id);
    this.#cache.set(id, loading);
    loading.catch(() => this.#cache.delete(id));
    return loading;
  }

  /** Forgets what was read, so that an edited lab is read again. */
  forget(): void {
    this.#cache.clear();
  }

  async #read(id: string): Promise<LoadedLab> {
    if (!slug.safeParse(id).success) throw new AcademyError('lab/unknown', 'There is no lab of that name.');
    const folder = join(this.#root, id);
    const text = await readFile(join(folder, 'lab.yaml'), 'utf8').catch(() => undefined);
    if (text === undefined) throw new AcademyError('lab/unknown', `There is no lab "${id}".`);
    let raw: unknown;
    try {
      raw = parse(text);
    } catch (error) {
      throw new AcademyError('lab/invalid', `labs/${id}/lab.yaml is not YAML: ${messageOf(error)}`);
    }
    const parsed = labSchema.safeParse(raw);
    if (!parsed.success) {
      const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'lab'}: ${issue.message}`);
      throw new AcademyError('lab/invalid', `labs/${id}/lab.yaml does not fit: ${issues.join('; ')}`);
    }
    const definition = readParameters(parsed.data);
    const start = await Promise.all(
      definition.start.map(async (name) => ({ name, content: await readFile(join(folder, 'start', name), 'utf8') })),
    ).catch((error: unknown) => {
      throw new AcademyError('lab/invalid', `labs/${id}: a start file can't be read: ${messageOf(error)}`);
    });
    const optional = (name: string) => readFile(join(folder, name), 'utf8').catch(() => '');
    return {
      id,
      definition,
      start,
      files: await readTree(join(folder, 'files')),
      solution: { markdown: await optional('solution.md'), script: await optional('solution.sh') },
      needs: await labNeeds(folder, definition, start),
    };
  }
}

async function readTree(root: string): Promise<Record<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const files: Record<string, string> = {};
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[relative(root, path).replaceAll('\\', '/')] = await readFile(path, 'utf8');
  }
  return files;
}
