import { AcademyError } from '#base/errors.ts';
import { clusterNames } from '#schema/cluster-names.ts';
import type { Lab } from '#schema/lab.ts';
import { CATALOGUE } from './catalogue.ts';

/**
 * The lab with the parameters of its tasks as its checks expect them: proven, and with what was left out filled in. Throws
 * `lab/invalid`. Done by the server once a lab, because workers have no schemas. A check that is not in the catalogue is left for the grader to name.
 */
export function readParameters(lab: Lab): Lab {
  const clusters = clusterNames(lab.cluster);
  const refuseUnknown = (where: string, name: string | undefined) => {
    if (name !== undefined && !clusters.includes(name))
      throw new AcademyError('lab/invalid', `${where}: the lab has no cluster "${name}".`);
  };
  refuseUnknown('traffic', lab.traffic?.cluster);
  const tasks = lab.tasks.map((task) => {
    refuseUnknown(`Task ${task.id}`, task.cluster);
    const check = CATALOGUE.get(task.check);
    if (!check) return task;
    const params = check.params.safeParse(task.with);
    if (params.success) return { ...task, with: params.data as Record<string, unknown> };
    const [issue] = params.error.issues;
    throw new AcademyError('lab/invalid', `Task ${task.id}: with.${issue!.path.join('.')}: ${issue!.message}`);
  });
  return { ...lab, tasks };
}
