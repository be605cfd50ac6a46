import type { KubeObject } from '#kube/api/types.ts';
import { type Causes, DNS_LABEL, dnsLabelProblem, labelCauses, qualifiedNameProblems } from './causes.ts';
import { containerCauses } from './container.ts';
import { volumeCauses } from './volumes.ts';

// biome-ignore lint/suspicious/noExplicitAny: specifications are read field by field.
type Fields = any;

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** What is wrong with a pod's specification. `claims` are volumes that a StatefulSet's claim templates give. */
export function podSpecCauses(spec: KubeObject['spec'], path: string, add: Causes, claims: string[] = []): void {
  const volumes = volumeCauses(spec.volumes ?? [], `${path}.volumes`, add);
  for (const claim of claims) volumes.add(claim);
  const containers: Fields[] = spec.containers ?? [];
  if (containers.length === 0) add.required(`${path}.containers`);
  if (spec.hostNetwork) hostPortCauses(containers, `${path}.containers`, add);
  const names = new Set<string>();
  for (const kind of ['containers', 'initContainers'] as const) {
    const list: Fields[] = spec[kind] ?? [];
    list.forEach((container, i) => {
      containerCauses(container, `${path}.${kind}[${i}]`, kind, names, volumes, add);
    });
  }
  if (!RESTART_POLICIES.includes(spec.restartPolicy)) {
    add.unsupported(`${path}.restartPolicy`, spec.restartPolicy, RESTART_POLICIES);
  }
  if (spec.dnsPolicy && !DNS_POLICIES.includes(spec.dnsPolicy)) {
    add.unsupported(`${path}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES);
  }
  if (spec.dnsPolicy === 'None' && !(spec.dnsConfig?.nameservers ?? []).length) {
    add.required(`${path}.dnsConfig.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None');
  }
  labelCauses(spec.nodeSelector, `${path}.nodeSelector`, add);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && deadline !== null && deadline < 1) {
    add.invalid(`${path}.activeDeadlineSeconds`, deadline, 'must be between 1 and 2147483647, inclusive');
  }
  if (spec.hostname && !DNS_LABEL.test(spec.hostname))
    add.invalid(`${path}.hostname`, spec.hostname, dnsLabelProblem(spec.hostname));
  if (spec.subdomain && !DNS_LABEL.test(spec.subdomain)) {
    add.invalid(`${path}.subdomain`, spec.subdomain, dnsLabelProblem(spec.subdomain));
  }
  tolerationCauses(spec.tolerations ?? [], `${path}.tolerations`, add);
}

/** On the host's network a port is the host's. */
function hostPortCauses(containers: Fields[], path: string, add: Causes): void {
  containers.forEach(({ ports }, i) => {
    (ports ?? []).forEach(({ hostPort, containerPort }: Fields, j: number) => {
      // A template may leave it out; a pod has been given it.
      if (!hostPort || hostPort === containerPort) return;
      add.invalid(
        `${path}[${i}].ports[${j}].hostPort`,
        hostPort,
        'must match `containerPort` when `hostNetwork` is true',
      );
    });
  });
}

function tolerationCauses(tolerations: Fields[], path: string, add: Causes): void {
  tolerations.forEach(({ key, operator, value, effect, tolerationSeconds }, i) => {
    const at = `${path}[${i}]`;
    if (key) for (const problem of qualifiedNameProblems(key)) add.invalid(`${at}.key`, key, problem);
    if (!key && operator !== 'Exists') {
      add.invalid(
        `${at}.operator`,
        operator ?? '',
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      );
    }
    if (tolerationSeconds !== undefined && tolerationSeconds !== null && effect !== 'NoExecute') {
      add.invalid(`${at}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    if (operator === 'Exists' && value) {
      add.invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'");
    }
    if (operator && !['Equal', 'Exists'].includes(operator)) {
      add.unsupported(`${at}.operator`, operator, ['Equal', 'Exists']);
    }
    if (effect && !EFFECTS.includes(effect)) add.unsupported(`${at}.effect`, effect, EFFECTS);
  });
}
