import type { KubeObject } from '#kube/api/types.ts';
import { containerLines } from './containers.ts';
import { tolerationLines } from './scheduling.ts';
import { volumeLines } from './volumes.ts';
import { annotationLines, mapLines, Writer } from './write.ts';

// biome-ignore lint/suspicious/noExplicitAny: templates are read field by field.
type Template = any;

/** `Pod Template:` of a workload. */
export function podTemplateLines(w: Writer, template: Template | undefined): void {
  w.line(0, 'Pod Template:');
  templateBody(w, template);
}

function templateBody(w: Writer, template: Template): void {
  if (!template) {
    w.line(1, '<unset>');
    return;
  }
  mapLines(w, 1, 'Labels', template.metadata?.labels);
  if (Object.keys(template.metadata?.annotations ?? {}).length > 0)
    annotationLines(w, 1, template.metadata.annotations);
  const { spec = {} } = template;
  if (spec.serviceAccountName) w.line(1, `Service Account:\t${spec.serviceAccountName}`);
  if ((spec.initContainers ?? []).length > 0) containerLines(w, 'Init Containers', spec.initContainers, undefined, 1);
  containerLines(w, 'Containers', spec.containers ?? [], undefined, 1);
  volumeLines(w, spec.volumes ?? [], 1);
  if ((spec.topologySpreadConstraints ?? []).length > 0) {
    w.line(
      1,
      'Topology Spread Constraints:\t' +
        spec.topologySpreadConstraints
          .map(
            (each: KubeObject['spec']) =>
              `${each.topologyKey}:${each.whenUnsatisfiable} when max skew ${each.maxSkew} is exceeded`,
          )
          .join('\n\t'),
    );
  }
  if (spec.priorityClassName) w.line(1, `Priority Class Name:\t${spec.priorityClassName}`);
  mapLines(w, 1, 'Node-Selectors', spec.nodeSelector);
  tolerationLines(w, 1, spec.tolerations ?? []);
}

/** As `rollout history --revision` shows it. */
export function podTemplateText(template: Template, cause: string): string {
  const w = new Writer();
  w.line(0, 'Pod Template:');
  const shown = cause
    ? {
        ...template,
        metadata: {
          ...template.metadata,
          annotations: { ...template.metadata?.annotations, 'kubernetes.io/change-cause': cause },
        },
      }
    : template;
  templateBody(w, shown);
  return w.unaligned();
}
