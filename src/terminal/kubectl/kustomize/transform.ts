import type { KubeObject } from '#kube/api/types.ts';
import { CliError } from '../errors.ts';
import type { Kustomization, Resource } from './build.ts';
import { renameReferences } from './references.ts';

type Labels = Record<string, string>;
/** Kinds outside of namespaces; kinds that are not known are taken to live in one. */
const CLUSTER_WIDE = new Set(
  `APIService ClusterRole ClusterRoleBinding CSIDriver CustomResourceDefinition IngressClass MutatingWebhookConfiguration
  Namespace Node PersistentVolume PriorityClass RuntimeClass StorageClass ValidatingWebhookConfiguration`.split(/\s+/),
);
/** Kinds whose names are fixed by others. */
const NAME_KEEPERS = new Set(['APIService', 'CustomResourceDefinition', 'Namespace']);

/** Namespace, name affixes, labels, annotations, images and replica counts of one kustomization. */
export function transform(kustomization: Kustomization, resources: Resource[]): void {
  if (kustomization['namespace']) setNamespace(resources, kustomization['namespace']);
  affix(resources, kustomization['namePrefix'] ?? '', kustomization['nameSuffix'] ?? '');
  const wishes: Kustomization[] = [...(kustomization['labels'] ?? [])];
  if (kustomization['commonLabels']) wishes.push({ pairs: kustomization['commonLabels'], includeSelectors: true });
  for (const wish of wishes) for (const { object } of resources) addLabels(object, wish);
  if (kustomization['commonAnnotations']) {
    for (const { object } of resources) annotate(object, kustomization['commonAnnotations']);
  }
  for (const wish of (kustomization['images'] ?? []) as Kustomization[]) {
    for (const { object } of resources) setImages(object, wish);
  }
  for (const { name, count } of (kustomization['replicas'] ?? []) as { name: string; count: number }[]) {
    const found = resources.filter(
      ({ object, names }) =>
        names.includes(name) && /Deployment|ReplicaSet|StatefulSet|ReplicationController/.test(object.kind),
    );
    if (found.length === 0) {
      throw new CliError(
        `resource with name ${name} does not match a config with the following GVK [Deployment.v1.apps ReplicaSet.v1.apps StatefulSet.v1.apps ReplicationController.v1.[noGrp]]`,
      );
    }
    for (const { object } of found) object['spec'].replicas = count;
  }
}

function setNamespace(resources: Resource[], namespace: string): void {
  const accounts = new Set(
    resources.filter(({ object }) => object.kind === 'ServiceAccount').flatMap(({ names }) => names),
  );
  for (const { object } of resources) {
    if (object.kind === 'Namespace') object.metadata.name = namespace;
    else if (!CLUSTER_WIDE.has(object.kind)) object.metadata.namespace = namespace;
    if (!object.kind.endsWith('RoleBinding')) continue;
    for (const subject of (object['subjects'] ?? []) as Labels[]) {
      if (subject['kind'] !== 'ServiceAccount') continue;
      if (subject['name'] === 'default' || accounts.has(subject['name']!)) subject['namespace'] = namespace;
    }
  }
}

function affix(resources: Resource[], prefix: string, suffix: string): void {
  if (prefix === '' && suffix === '') return;
  const renamed = new Map<string, string>();
  for (const { object, names } of resources) {
    if (NAME_KEEPERS.has(object.kind)) continue;
    const before = object.metadata.name ?? '';
    object.metadata.name = `${prefix}${before}${suffix}`;
    names.push(object.metadata.name);
    renamed.set(`${object.kind}/${before}`, object.metadata.name);
  }
  renameReferences(resources, renamed);
}

/** The pod templates in an object. */
function templatesOf(object: KubeObject): KubeObject['spec'][] {
  if (object.kind === 'CronJob') return [object['spec']?.jobTemplate, object['spec']?.jobTemplate?.spec?.template];
  return object['spec']?.template && /Deployment|ReplicaSet|StatefulSet|DaemonSet|Job/.test(object.kind)
    ? [object['spec'].template]
    : [];
}

function addLabels(object: KubeObject, wish: Kustomization): void {
  const pairs = wish['pairs'] as Labels;
  object.metadata = { ...object.metadata, labels: { ...object.metadata.labels, ...pairs } };
  if (wish['includeSelectors'] || wish['includeTemplates']) {
    for (const template of templatesOf(object)) {
      if (template) template.metadata = { ...template.metadata, labels: { ...template.metadata?.labels, ...pairs } };
    }
  }
  if (!wish['includeSelectors']) return;
  const spec = object['spec'];
  if (object.kind === 'Service') {
    if (spec?.selector) spec.selector = { ...spec.selector, ...pairs };
  } else if (/^(Deployment|ReplicaSet|StatefulSet|DaemonSet)$/.test(object.kind)) {
    spec.selector = { ...spec.selector, matchLabels: { ...spec.selector?.matchLabels, ...pairs } };
  } else if (object.kind === 'PodDisruptionBudget' && spec?.selector?.matchLabels) {
    spec.selector.matchLabels = { ...spec.selector.matchLabels, ...pairs };
  } else if (object.kind === 'NetworkPolicy' && spec?.podSelector?.matchLabels) {
    spec.podSelector.matchLabels = { ...spec.podSelector.matchLabels, ...pairs };
  }
}

function annotate(object: KubeObject, pairs: Labels): void {
  object.metadata = { ...object.metadata, annotations: { ...object.metadata.annotations, ...pairs } };
  for (const template of templatesOf(object)) {
    if (template)
      template.metadata = { ...template.metadata, annotations: { ...template.metadata?.annotations, ...pairs } };
  }
}

/** Takes an image apart at its digest and its tag; a colon before the last slash belongs to a port. */
function splitImage(image: string): { name: string; rest: string } {
  const at = image.indexOf('@');
  if (at >= 0) return { name: image.slice(0, at), rest: image.slice(at) };
  const colon = image.lastIndexOf(':');
  return colon > image.lastIndexOf('/')
    ? { name: image.slice(0, colon), rest: image.slice(colon) }
    : { name: image, rest: '' };
}

function setImages(value: unknown, wish: Kustomization): void {
  if (Array.isArray(value)) for (const each of value) setImages(each, wish);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return;
  const fields = value as Kustomization;
  for (const key of ['containers', 'initContainers']) {
    for (const container of Array.isArray(fields[key]) ? (fields[key] as Kustomization[]) : []) {
      if (typeof container['image'] !== 'string') continue;
      const { name, rest } = splitImage(container['image']);
      if (name !== wish['name']) continue;
      const tail = wish['digest'] ? `@${wish['digest']}` : wish['newTag'] !== undefined ? `:${wish['newTag']}` : rest;
      container['image'] = `${wish['newName'] ?? name}${tail}`;
    }
  }
  for (const each of Object.values(fields)) setImages(each, wish);
}
