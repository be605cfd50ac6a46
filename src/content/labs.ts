import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { AcademyError } from '#base/errors.ts';
import { type Lab, lab as labSchema, slug } from '#schema/lab.ts';

/** `labs/<id>/lab.yaml` as the site needs it at build time. Rejects with `lab/unknown` or `lab/invalid`. */
export async function readLab(root: string, id: string): Promise<Lab> {
  if (!slug.safeParse(id).success) throw new AcademyError('lab/unknown', `"${id}" is not the name of a lab.`);
  const text = await readFile(join(root, id, 'lab.yaml'), 'utf8').catch(() => {
    throw new AcademyError('lab/unknown', `There is no lab "${id}".`);
  });
  const parsed = labSchema.safeParse(parse(text));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'lab'}: ${issue.message}`);
  throw new AcademyError('lab/invalid', `labs/${id}/lab.yaml does not fit: ${issues.join('; ')}`);
}
