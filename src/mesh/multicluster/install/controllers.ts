import type { KubeObject } from '#kube/api/types.ts';
import { rule } from '#mesh/install/names.ts';
import { merged } from '#mesh/install/overrides.ts';
import { CLUSTER_NAME, credentialsOf, MIRRORED_GATEWAY } from '../labels.ts';
import { account, budget, createdBy, given, labelsOf, mirrorDeployment, type Plan } from './parts.ts';
import type { MulticlusterValues } from './values.ts';

const READ = ['list', 'get', 'watch'];
const WRITE = ['list', 'get', 'watch', 'create', 'delete', 'update'];
const ROLE = 'linkerd-multicluster-controller-access-local-resources';
const RBAC = 'rbac.authorization.k8s.io/v1';

/** A controller that names no link. */
export class MissingLink extends Error {}

interface Controller {
  link: string;
  /** The controller's own values on top of `controllerDefaults`. */
  settings: MulticlusterValues;
  labels: Record<string, string>;
}

/** The role of all, then for every Link its controller, its probe's Service, and what it may read. */
export function controllerObjects(plan: Plan): KubeObject[] {
  const { values } = plan;
  const controllers: Controller[] = (values.controllers ?? []).map((each: MulticlusterValues) => {
    const link = each?.link?.ref?.name;
    if (!link) throw new MissingLink('the value link.ref.name is required');
    return {
      link,
      settings: merged(values.controllerDefaults, each),
      labels: { component: 'controller', [CLUSTER_NAME]: link },
    };
  });
  return [
    role(plan),
    ...controllers.map((each) => deployment(plan, each)),
    ...controllers.flatMap((each) => budgetOf(plan, each)),
    ...controllers.flatMap((each) => probe(plan, each)),
    ...controllers.flatMap((each) => access(plan, each)),
  ];
}

const role = (plan: Plan): KubeObject => ({
  kind: 'ClusterRole',
  apiVersion: RBAC,
  metadata: { name: ROLE, labels: labelsOf(plan, { component: 'controller' }) },
  rules: [
    rule([''], ['endpoints', 'services'], WRITE),
    rule([''], ['namespaces'], READ),
    ...(plan.values.enableNamespaceCreation ? [rule([''], ['namespaces'], ['create'])] : []),
  ],
});

function deployment(plan: Plan, { link, settings, labels }: Controller): KubeObject {
  return mirrorDeployment(plan, {
    name: `controller-${link}`,
    labels,
    selector: labels,
    replicas: settings.replicas,
    account: `controller-${link}`,
    container: {
      name: 'controller',
      args: [
        'service-mirror',
        `-log-level=${settings.logLevel}`,
        `-log-format=${settings.logFormat}`,
        `-event-requeue-limit=${settings.retryLimit}`,
        `-namespace=${plan.namespace}`,
        ...(settings.enableHeadlessServices ? ['-enable-headless-services'] : []),
        ...(plan.values.enableNamespaceCreation ? ['-enable-namespace-creation'] : []),
        `-enable-pprof=${settings.enablePprof}`,
        `-probe-service=probe-${link}`,
        link,
      ],
      image: `${settings.image.name}:${settings.image.version}`,
      port: 'ctrl-admin',
      uid: settings.UID,
      gid: settings.GID,
      resources: settings.resources,
    },
    apart: settings.enablePodAntiAffinity,
    apartBy: [CLUSTER_NAME, link],
    placement: {
      ...given('nodeSelector', settings.nodeSelector),
      ...given('tolerations', settings.tolerations),
    },
  });
}

/** Here the extension's own switch counts, not the controllers' default. */
function budgetOf(plan: Plan, { link, settings, labels }: Controller): KubeObject[] {
  const own = (plan.values.controllers as MulticlusterValues[]).find((each) => each.link.ref.name === link);
  const wanted =
    own?.enablePodAntiAffinity === undefined ? plan.values.enablePodAntiAffinity : settings.enablePodAntiAffinity;
  return wanted ? [budget(plan, `controller-${link}`, { component: 'controller' }, labels)] : [];
}

function probe(plan: Plan, { link, settings }: Controller): KubeObject[] {
  if (!settings.gateway.enabled) return [];
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: `probe-${link}`,
        namespace: plan.namespace,
        annotations: createdBy(plan),
        labels: labelsOf(plan, { [MIRRORED_GATEWAY]: 'true', [CLUSTER_NAME]: link }),
      },
      spec: { ports: [{ name: 'mc-probe', port: settings.gateway.probe.port, protocol: 'TCP' }] },
    },
  ];
}

function access(plan: Plan, { link, labels: own }: Controller): KubeObject[] {
  const { namespace } = plan;
  const labels = labelsOf(plan, own);
  const name = `controller-${link}`;
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  const read = `controller-read-remote-creds-${link}`;
  const roleRef = (kind: string, of: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name: of });
  return [
    account(plan, name, labels),
    {
      kind: 'ClusterRoleBinding',
      apiVersion: RBAC,
      metadata: { name: `${ROLE}-${link}`, labels },
      roleRef: roleRef('ClusterRole', ROLE),
      subjects,
    },
    {
      kind: 'Role',
      apiVersion: RBAC,
      metadata: { name: read, namespace, labels },
      rules: [
        { apiGroups: [''], resources: ['secrets'], resourceNames: [credentialsOf(link)], verbs: READ },
        rule(['multicluster.linkerd.io'], ['links'], READ),
        rule(['multicluster.linkerd.io'], ['links/status'], ['update', 'patch']),
        rule(['coordination.k8s.io'], ['leases'], ['create', 'get', 'update', 'patch']),
      ],
    },
    {
      kind: 'RoleBinding',
      apiVersion: RBAC,
      metadata: { name: read, namespace, labels },
      roleRef: roleRef('Role', read),
      subjects,
    },
  ];
}
