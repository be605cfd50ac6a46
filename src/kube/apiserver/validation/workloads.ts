import { parseSchedule, ScheduleError } from '#kube/api/cron.ts';
import { same } from '#kube/api/patch/field-set.ts';
import { matchesSelector } from '#kube/api/selectors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { unifiedDiff } from '#kube/api/unified-diff.ts';
import { type Causes, labelCauses, selectorCauses } from './causes.ts';
import { internalPodSpec, internalTemplate } from './internal-form.ts';
import { podSpecCauses } from './pod.ts';
import type { Rule } from './rule.ts';

const NO_MATCH = '`selector` does not match template `labels`';
const NOT_NEGATIVE = 'must be greater than or equal to 0';

function notNegative(spec: KubeObject['spec'], fields: string[], add: Causes): void {
  for (const field of fields) {
    if (typeof spec[field] === 'number' && spec[field] < 0) add.invalid(`spec.${field}`, spec[field], NOT_NEGATIVE);
  }
}

function workload(kind: string): Rule {
  return (object, old, add) => {
    const { spec } = object;
    if (!spec) return add.required('spec');
    notNegative(
      spec,
      kind === 'deployment' ? ['replicas'] : ['replicas', 'minReadySeconds', 'revisionHistoryLimit'],
      add,
    );
    const labels = spec.template?.metadata?.labels;
    const fixedSelector = () => {
      if (old && kind !== 'statefulset' && !same(old.spec.selector, spec.selector))
        add.invalid('spec.selector', spec.selector, 'field is immutable');
    };
    if (kind === 'daemonset') fixedSelector();
    let sound = true;
    if (!spec.selector) {
      add.required('spec.selector');
      if (kind === 'deployment') add.invalid('spec.template.metadata.labels', labels ?? null, NO_MATCH);
    } else {
      sound = selectorCauses(spec.selector, 'spec.selector', add);
      if (Object.keys(spec.selector.matchLabels ?? {}).length + (spec.selector.matchExpressions ?? []).length === 0) {
        add.invalid('spec.selector', spec.selector, `empty selector is invalid for ${kind}`);
      } else if (!sound) add.invalid('spec.selector', spec.selector, 'invalid label selector');
      else if (!matchesSelector(spec.selector, labels))
        add.invalid('spec.template.metadata.labels', labels ?? null, NO_MATCH);
    }
    if (kind !== 'daemonset') fixedSelector();
    if (!sound) return;
    if (!spec.template?.spec) return add.required('spec.template.spec');
    labelCauses(labels, 'spec.template.labels', add);
    const claims: KubeObject[] = spec.volumeClaimTemplates ?? [];
    podSpecCauses(
      spec.template.spec,
      'spec.template.spec',
      add,
      claims.map((claim) => claim.metadata?.name ?? ''),
    );
    if (spec.template.spec.restartPolicy !== 'Always') {
      add.unsupported('spec.template.spec.restartPolicy', spec.template.spec.restartPolicy, ['Always']);
    }
  };
}

const isZero = (value: unknown): boolean => value === 0 || value === '0%' || value === '0';

function countCauses(value: unknown, path: string, add: Causes): void {
  if (typeof value === 'string' && !/^\d+%$/.test(value)) {
    add.invalid(
      path,
      value,
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    );
  } else if (typeof value === 'number' && value < 0) add.invalid(path, value, NOT_NEGATIVE);
}

const deployment: Rule = (object, old, add) => {
  workload('deployment')(object, old, add);
  const { strategy, progressDeadlineSeconds, minReadySeconds = 0 } = object.spec ?? {};
  if (strategy && !['RollingUpdate', 'Recreate'].includes(strategy.type)) {
    const rollingUpdate = strategy.rollingUpdate && {
      MaxUnavailable: strategy.rollingUpdate.maxUnavailable,
      MaxSurge: strategy.rollingUpdate.maxSurge,
    };
    const internal = { Type: strategy.type, RollingUpdate: rollingUpdate ?? null };
    add.unsupported('spec.strategy', internal, ['Recreate', 'RollingUpdate']);
  }
  if (strategy?.type === 'Recreate' && strategy.rollingUpdate) {
    add.forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'");
  }
  if (strategy?.type === 'RollingUpdate' && strategy.rollingUpdate) {
    const { maxUnavailable, maxSurge } = strategy.rollingUpdate;
    countCauses(maxUnavailable, 'spec.strategy.rollingUpdate.maxUnavailable', add);
    countCauses(maxSurge, 'spec.strategy.rollingUpdate.maxSurge', add);
    if (isZero(maxUnavailable) && isZero(maxSurge)) {
      add.invalid('spec.strategy.rollingUpdate.maxUnavailable', maxUnavailable, 'may not be 0 when `maxSurge` is 0');
    }
    if (typeof maxUnavailable === 'string' && Number.parseInt(maxUnavailable, 10) > 100) {
      add.invalid('spec.strategy.rollingUpdate.maxUnavailable', maxUnavailable, 'must not be greater than 100%');
    }
  }
  notNegative(object.spec ?? {}, ['minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds'], add);
  if (
    typeof progressDeadlineSeconds === 'number' &&
    progressDeadlineSeconds >= 0 &&
    progressDeadlineSeconds <= minReadySeconds
  ) {
    add.invalid('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds');
  }
};

/** Fields of a StatefulSet that an update may change. */
const CHANGEABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

const statefulSet: Rule = (object, old, add) => {
  workload('statefulset')(object, old, add);
  const { podManagementPolicy, updateStrategy } = object.spec ?? {};
  if (podManagementPolicy && !['OrderedReady', 'Parallel'].includes(podManagementPolicy)) {
    add.invalid('spec.podManagementPolicy', podManagementPolicy, "must be 'OrderedReady' or 'Parallel'");
  }
  if (updateStrategy && !['RollingUpdate', 'OnDelete'].includes(updateStrategy.type)) {
    add.invalid('spec.updateStrategy', updateStrategy, "must be 'RollingUpdate' or 'OnDelete'");
  }
  if (!old) return;
  const fixed = (spec: KubeObject['spec']) =>
    Object.fromEntries(Object.entries(spec ?? {}).filter(([field]) => !CHANGEABLE.includes(field)));
  if (!same(fixed(object.spec), fixed(old.spec))) {
    add.forbidden(
      'spec',
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    );
  }
};

function jobCauses(spec: KubeObject['spec'], path: string, add: Causes): void {
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
  ]) {
    if (typeof spec?.[field] === 'number' && spec[field] < 0)
      add.invalid(`${path}.${field}`, spec[field], NOT_NEGATIVE);
  }
  const pod = spec?.template?.spec;
  if (!pod) return add.required(`${path}.template.spec`);
  podSpecCauses(pod, `${path}.template.spec`, add);
  if (!['OnFailure', 'Never'].includes(pod.restartPolicy)) {
    add.required(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"');
  }
}

const job: Rule = (object, old, add) => {
  jobCauses(object.spec, 'spec', add);
  if (!old) return;
  if (!same(old.spec.template, object.spec.template))
    add.invalid('spec.template', internalTemplate(object.spec.template), 'field is immutable');
  if (!same(old.spec.selector, object.spec.selector))
    add.invalid('spec.selector', object.spec.selector, 'field is immutable');
  if (old.spec.completions !== object.spec.completions && object.spec.completionMode !== 'Indexed') {
    add.invalid('spec.completions', object.spec.completions ?? null, 'field is immutable');
  }
};

const CONCURRENCY = ['Allow', 'Forbid', 'Replace'];

const zoneExists = (zone: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
};

const cronJob: Rule = ({ spec }, _old, add) => {
  const schedule = String(spec?.schedule ?? '');
  if (!schedule) add.required('spec.schedule');
  else if (/TZ/.test(schedule)) {
    add.invalid('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
  } else {
    try {
      parseSchedule(schedule);
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
      add.invalid('spec.schedule', schedule, error.message);
    }
  }
  const zone: string | undefined = spec?.timeZone;
  if (zone && !zoneExists(zone)) add.invalid('spec.timeZone', zone, `unknown time zone ${zone}`);
  if (spec?.concurrencyPolicy && !CONCURRENCY.includes(spec.concurrencyPolicy)) {
    add.unsupported('spec.concurrencyPolicy', spec.concurrencyPolicy, CONCURRENCY);
  }
  jobCauses(spec?.jobTemplate?.spec, 'spec.jobTemplate.spec', add);
  notNegative(spec ?? {}, ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit', 'startingDeadlineSeconds'], add);
};

const pod: Rule = (object, old, add) => {
  if (!object.spec) return add.required('spec');
  podSpecCauses(object.spec, 'spec', add);
  if (old) podImmutable(object, old, add);
};

export const workloadRules: Record<string, Rule> = {
  '/pods': pod,
  'apps/deployments': deployment,
  'apps/replicasets': workload('deployment'),
  'apps/statefulsets': statefulSet,
  'apps/daemonsets': workload('daemonset'),
  'batch/jobs': job,
  'batch/cronjobs': cronJob,
};

/** Of a running pod only images, deadlines, tolerations and grace may change. */
function podImmutable(object: KubeObject, old: KubeObject, add: Causes): void {
  const wanted = asBefore(object.spec, old.spec);
  if (same(wanted, asBefore(old.spec, old.spec))) return;
  const difference = unifiedDiff(internalPodSpec(old.spec), internalPodSpec(wanted));
  add.forbidden(
    'spec',
    `pod updates may not change fields other than \`spec.containers[*].image\`,\`spec.initContainers[*].image\`,\`spec.activeDeadlineSeconds\`,\`spec.tolerations\` (only additions to existing tolerations),\`spec.terminationGracePeriodSeconds\` (allow it to be set to 1 if it was previously negative)\n${difference}`,
  );
}

type Containers = { image?: string }[] | undefined;

/** What is asked for, with what may change as it was. */
function asBefore(spec: KubeObject['spec'], old: KubeObject['spec']): KubeObject['spec'] {
  const images = (now: Containers, before: Containers) =>
    now?.map((container, i) => ({ ...container, image: before?.[i]?.image ?? container.image }));
  const { activeDeadlineSeconds, tolerations, ephemeralContainers, schedulingGates, ...rest } = old;
  const kept = { activeDeadlineSeconds, tolerations, ephemeralContainers, schedulingGates };
  return {
    ...spec,
    ...Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)),
    ...(activeDeadlineSeconds === undefined ? { activeDeadlineSeconds: undefined } : {}),
    ...(ephemeralContainers === undefined ? { ephemeralContainers: undefined } : {}),
    ...(spec.containers ? { containers: images(spec.containers, rest.containers) } : {}),
    ...(spec.initContainers ? { initContainers: images(spec.initContainers, rest.initContainers) } : {}),
  };
}
