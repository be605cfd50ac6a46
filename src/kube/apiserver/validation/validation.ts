import { parseSchedule, ScheduleError } from '#kube/api/cron.ts';
import { same } from '#kube/api/patch/field-set.ts';
import { matchesSelector } from '#kube/api/selectors.ts';
import { invalid, type StatusCause } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { ResourceKind } from '../kinds.ts';
import { type Causes, podSpecCauses } from './pod.ts';

/** Refuses what upstream refuses in the kinds that courses use, all causes at once. Source: pkg/apis/<group>/validation. */
export function validateBuiltIn(
  kind: ResourceKind,
  object: KubeObject,
  old: KubeObject | undefined,
  subresource: string,
): void {
  if (subresource === 'status') return;
  const causes: StatusCause[] = [];
  const add: Causes = {
    required: (field, detail = '') =>
      causes.push({ reason: 'FieldValueRequired', message: `Required value${detail && `: ${detail}`}`, field }),
    invalid: (field, value, why) =>
      causes.push({ reason: 'FieldValueInvalid', message: `Invalid value: ${shown(value)}: ${why}`, field }),
    forbidden: (field, why) => causes.push({ reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field }),
    unsupported: (field, value, supported) =>
      causes.push({
        reason: 'FieldValueNotSupported',
        message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`,
        field,
      }),
    duplicate: (field, value) =>
      causes.push({ reason: 'FieldValueDuplicate', message: `Duplicate value: ${shown(value)}`, field }),
    notFound: (field, value) =>
      causes.push({ reason: 'FieldValueNotFound', message: `Not found: ${shown(value)}`, field }),
  };
  metadata(object, add);
  RULES[kind.storage]?.(object, old, add);
  if (causes.length > 0) throw invalid(kind.group, kind.kind, object.metadata.name ?? '', causes);
}

const shown = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? JSON.stringify(value)
    : typeof value === 'string'
      ? JSON.stringify(value)
      : String(value);

const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const QUALIFIED =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/;
const LABEL_VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED_TEXT =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

function metadata({ metadata: meta }: KubeObject, add: Causes): void {
  for (const [key, value] of Object.entries(meta.labels ?? {})) {
    if (!QUALIFIED.test(key)) add.invalid('metadata.labels', key, QUALIFIED_TEXT);
    if (!LABEL_VALUE.test(value)) add.invalid('metadata.labels', value, LABEL_VALUE_TEXT);
    else if (value.length > 63) add.invalid('metadata.labels', value, 'must be no more than 63 characters');
  }
  for (const key of Object.keys(meta.annotations ?? {}))
    if (!QUALIFIED.test(key.toLowerCase())) add.invalid('metadata.annotations', key, QUALIFIED_TEXT);
}

function workload(object: KubeObject, old: KubeObject | undefined, add: Causes): void {
  const { spec } = object;
  if (!spec) return add.required('spec');
  if (typeof spec.replicas === 'number' && spec.replicas < 0)
    add.invalid('spec.replicas', spec.replicas, 'must be greater than or equal to 0');
  if (!spec.selector) add.required('spec.selector');
  else if (Object.keys(spec.selector.matchLabels ?? {}).length + (spec.selector.matchExpressions ?? []).length === 0) {
    add.invalid('spec.selector', spec.selector, 'empty selector is invalid for deployment');
  } else if (!matchesSelector(spec.selector, spec.template?.metadata?.labels)) {
    add.invalid(
      'spec.template.metadata.labels',
      spec.template?.metadata?.labels ?? null,
      '`selector` does not match template `labels`',
    );
  }
  if (old && !same(old.spec.selector, spec.selector)) add.invalid('spec.selector', spec.selector, 'field is immutable');
  if (!spec.template?.spec) add.required('spec.template.spec');
  else {
    const claims: KubeObject[] = spec.volumeClaimTemplates ?? [];
    podSpecCauses(
      spec.template.spec,
      'spec.template.spec',
      add,
      claims.map((claim) => claim.metadata.name!),
    );
  }
  if (spec.template?.spec && spec.template.spec.restartPolicy !== 'Always')
    add.unsupported('spec.template.spec.restartPolicy', spec.template.spec.restartPolicy, ['Always']);
}

const RULES: Record<string, (object: KubeObject, old: KubeObject | undefined, add: Causes) => void> = {
  '/pods': (object, old, add) => {
    if (!object.spec) return add.required('spec');
    podSpecCauses(object.spec, 'spec', add);
    if (old) podImmutable(object, old, add);
  },
  '/services': ({ spec }, old, add) => {
    if (!spec) return add.required('spec');
    if (!['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'].includes(spec.type))
      add.unsupported('spec.type', spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']);
    const ports: { name?: string; port?: number; nodePort?: number }[] = spec.ports ?? [];
    if (ports.length === 0 && spec.type !== 'ExternalName' && spec.clusterIP !== 'None') add.required('spec.ports');
    const names = new Set<string>();
    for (const [i, port] of ports.entries()) {
      if (ports.length > 1 && !port.name) add.required(`spec.ports[${i}].name`);
      if (port.name && names.has(port.name)) add.duplicate(`spec.ports[${i}].name`, port.name);
      if (port.name) names.add(port.name);
      if (!Number.isInteger(port.port) || port.port! < 1 || port.port! > 65_535)
        add.invalid(`spec.ports[${i}].port`, port.port ?? 0, 'must be between 1 and 65535, inclusive');
      if (port.nodePort !== undefined && (port.nodePort < 30_000 || port.nodePort > 32_767))
        add.invalid(
          `spec.ports[${i}].nodePort`,
          port.nodePort,
          'provided port is not in the valid range. The range of valid ports is 30000-32767',
        );
    }
    if (spec.type === 'ExternalName' && !spec.externalName) add.required('spec.externalName');
    if (
      old &&
      old.spec.type !== 'ExternalName' &&
      spec.type !== 'ExternalName' &&
      old.spec.clusterIP !== spec.clusterIP
    )
      add.invalid('spec.clusterIPs[0]', [spec.clusterIP], 'may not change once set');
  },
  '/secrets': (object, old, add) => {
    dataKeys(object.data, 'data', add);
    if (old && old.type !== object.type) add.invalid('type', object.type, 'field is immutable');
    if (old?.immutable && !same(old.data, object.data))
      add.forbidden('data', 'field is immutable when `immutable` is set');
    if (object.type === 'kubernetes.io/tls') {
      for (const key of ['tls.crt', 'tls.key']) if (object.data?.[key] === undefined) add.required(`data[${key}]`);
    }
  },
  '/configmaps': (object, old, add) => {
    dataKeys(object.data, 'data', add);
    dataKeys(object.binaryData, 'binaryData', add);
    if (old?.immutable && !same(old.data, object.data))
      add.forbidden('data', 'field is immutable when `immutable` is set');
    for (const [key, value] of Object.entries(object.data ?? {}))
      if (typeof value !== 'string') add.invalid(`data[${key}]`, value, 'must be a string');
  },
  'apps/deployments': (object, old, add) => {
    workload(object, old, add);
    const { strategy } = object.spec ?? {};
    if (strategy && !['RollingUpdate', 'Recreate'].includes(strategy.type))
      add.unsupported('spec.strategy.type', strategy.type, ['Recreate', 'RollingUpdate']);
    if (strategy?.type === 'Recreate' && strategy.rollingUpdate)
      add.forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'");
  },
  'apps/replicasets': workload,
  'apps/statefulsets': workload,
  'apps/daemonsets': workload,
  'batch/jobs': (object, old, add) => {
    const spec = object.spec?.template?.spec;
    if (!spec) return add.required('spec.template.spec');
    podSpecCauses(spec, 'spec.template.spec', add);
    if (!['OnFailure', 'Never'].includes(spec.restartPolicy)) {
      add.required('spec.template.spec.restartPolicy', 'valid values: "OnFailure", "Never"');
    }
    if (old && !same(old.spec.template, object.spec.template)) add.invalid('spec.template', '', 'field is immutable');
  },
  'batch/cronjobs': (object, _old, add) => {
    const schedule = String(object.spec?.schedule ?? '');
    if (!schedule) add.required('spec.schedule');
    else
      try {
        parseSchedule(schedule, object.spec.timeZone);
      } catch (error) {
        // An unknown time zone is a RangeError.
        if (error instanceof ScheduleError) add.invalid('spec.schedule', schedule, error.message);
        else add.invalid('spec.timeZone', object.spec.timeZone, `unknown time zone ${object.spec.timeZone}`);
      }
    const spec = object.spec?.jobTemplate?.spec?.template?.spec;
    if (!spec) return add.required('spec.jobTemplate.spec.template.spec');
    podSpecCauses(spec, 'spec.jobTemplate.spec.template.spec', add);
    if (!['OnFailure', 'Never'].includes(spec.restartPolicy))
      add.required('spec.jobTemplate.spec.template.spec.restartPolicy', 'valid values: "OnFailure", "Never"');
  },
  'rbac.authorization.k8s.io/rolebindings': roleRef,
  'rbac.authorization.k8s.io/clusterrolebindings': roleRef,
};

function roleRef(object: KubeObject, old: KubeObject | undefined, add: Causes): void {
  if (!object.roleRef?.name) add.required('roleRef.name');
  if (old && !same(old.roleRef, object.roleRef)) add.invalid('roleRef', object.roleRef, 'cannot change roleRef');
}

function dataKeys(data: Record<string, unknown> | undefined, field: string, add: Causes): void {
  for (const key of Object.keys(data ?? {})) {
    if (!/^[-._a-zA-Z0-9]+$/.test(key))
      add.invalid(
        `${field}[${key}]`,
        key,
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      );
  }
}

/** Of a running pod only images, deadlines, tolerations and grace may change. */
function podImmutable(object: KubeObject, old: KubeObject, add: Causes): void {
  const fixed = (pod: KubeObject) => ({
    ...pod.spec,
    containers: (pod.spec.containers ?? []).map((container: Record<string, unknown>) => ({ ...container, image: '' })),
    initContainers: (pod.spec.initContainers ?? []).map((container: Record<string, unknown>) => ({
      ...container,
      image: '',
    })),
    activeDeadlineSeconds: 0,
    terminationGracePeriodSeconds: 0,
    tolerations: [],
    nodeName: '',
    ephemeralContainers: [],
  });
  if (!same(fixed(object), fixed(old))) {
    add.forbidden(
      'spec',
      'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    );
  }
}
