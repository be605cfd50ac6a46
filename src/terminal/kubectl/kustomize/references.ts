import type { KubeObject } from '#kube/api/types.ts';
import type { Resource } from './build.ts';

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Fields that hold an object with a `name` of the kind. */
const REFERENCES: Record<string, string> = {
  configMapRef: 'ConfigMap',
  configMapKeyRef: 'ConfigMap',
  secretRef: 'Secret',
  secretKeyRef: 'Secret',
  configMap: 'ConfigMap',
};
/** Fields that hold the name itself. */
const NAMES: Record<string, string> = {
  serviceAccountName: 'ServiceAccount',
  secretName: 'Secret',
  serviceName: 'Service',
  claimName: 'PersistentVolumeClaim',
};
/** Fields whose objects name their own kind. */
const TYPED = new Set(['roleRef', 'scaleTargetRef', 'subjects']);

/** Lets all that refers to a renamed object follow. The map goes from `Kind/old` to the new name. */
export function renameReferences(resources: Resource[], renamed: ReadonlyMap<string, string>): void {
  if (renamed.size === 0) return;
  for (const { object } of resources) walk(object, object, renamed);
}

function walk(value: unknown, object: KubeObject, renamed: ReadonlyMap<string, string>): void {
  if (Array.isArray(value)) for (const each of value) walk(each, object, renamed);
  if (!isFields(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    const follow = (holder: Fields, field: string, kind: unknown) => {
      const name = renamed.get(`${kind}/${holder[field]}`);
      if (name !== undefined) holder[field] = name;
    };
    if (typeof inner === 'string' && NAMES[key]) follow(value, key, NAMES[key]);
    else if (isFields(inner)) {
      if (REFERENCES[key]) follow(inner, 'name', REFERENCES[key]);
      if (key === 'service' && isBackend(object)) follow(inner, 'name', 'Service');
      if (key === 'secret' && !('secretName' in inner)) follow(inner, 'name', 'Secret');
      if (TYPED.has(key)) follow(inner, 'name', inner['kind']);
    } else if (Array.isArray(inner)) {
      for (const each of inner) {
        if (!isFields(each)) continue;
        if (TYPED.has(key)) follow(each, 'name', each['kind']);
        if (key === 'imagePullSecrets') follow(each, 'name', 'Secret');
        if (key === 'backendRefs') follow(each, 'name', each['kind'] ?? 'Service');
      }
    }
    walk(inner, object, renamed);
  }
}

const isBackend = ({ kind }: KubeObject): boolean => kind === 'Ingress' || kind.endsWith('WebhookConfiguration');
