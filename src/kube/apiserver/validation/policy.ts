import { isIP } from 'node:net';
import { same } from '#kube/api/patch/field-set.ts';
import { unifiedDiff } from '#kube/api/unified-diff.ts';
import { HIGHEST_PRIORITY, SYSTEM_PRIORITIES } from '../admission/priority.ts';
import { type Causes, SUBDOMAIN, SUBDOMAIN_TEXT, selectorCauses } from './causes.ts';
import { portOrNameCauses } from './container.ts';
import { internalClaimSpec } from './internal-form.ts';
import type { Rule } from './rule.ts';

// biome-ignore lint/suspicious/noExplicitAny: specifications are read field by field.
type Fields = any;

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

const claim: Rule = ({ spec }, old, add) => {
  if (!spec) return add.required('spec');
  const modes: string[] = spec.accessModes ?? [];
  if (modes.length === 0) add.required('spec.accessModes', 'at least 1 access mode is required');
  modes.forEach((mode) => {
    if (!ACCESS_MODES.includes(mode)) add.unsupported('spec.accessModes', mode, ACCESS_MODES);
  });
  if (!spec.resources?.requests?.storage) add.required('spec.resources[storage]');
  if (!old) return;
  const fixed = ({ resources: _, volumeName: __, ...rest }: Fields) => rest;
  if (!same(fixed(spec), fixed(old.spec))) {
    // What may change is shown as it was.
    const { resources, volumeName } = old.spec;
    const wanted = { ...spec, resources, ...(volumeName ? { volumeName } : {}) };
    const difference = unifiedDiff(internalClaimSpec(old.spec), internalClaimSpec(wanted));
    add.forbidden(
      'spec',
      `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${difference}`,
    );
  }
};

const RECLAIM = ['Delete', 'Recycle', 'Retain'];
/** Fields of a volume that say nothing of where it is. */
const NOT_SOURCES = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);

const volume: Rule = ({ spec }, _old, add) => {
  const modes: string[] = spec?.accessModes ?? [];
  if (modes.length === 0) add.required('spec.accessModes');
  modes.forEach((mode) => {
    if (!ACCESS_MODES.includes(mode)) add.unsupported('spec.accessModes', mode, ACCESS_MODES);
  });
  const capacity: Record<string, string> | undefined = spec?.capacity;
  if (!capacity) add.required('spec.capacity');
  if (Object.keys(capacity ?? {}).join() !== 'storage') add.unsupported('spec.capacity', capacity ?? null, ['storage']);
  const policy: string | undefined = spec?.persistentVolumeReclaimPolicy;
  if (policy && !RECLAIM.includes(policy)) add.unsupported('spec.persistentVolumeReclaimPolicy', policy, RECLAIM);
  const sources = Object.keys(spec ?? {}).filter((field) => !NOT_SOURCES.has(field));
  if (sources.length === 0) add.required('spec', 'must specify a volume type');
  sources.slice(1).forEach((source) => {
    add.forbidden(`spec.${source}`, 'may not specify more than 1 volume type');
  });
};

const scaler: Rule = ({ spec }, _old, add) => {
  if (!spec) return add.required('spec');
  const { minReplicas, maxReplicas, scaleTargetRef } = spec;
  if (minReplicas !== undefined && minReplicas !== null && minReplicas < 1) {
    add.invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1');
  }
  if (!(maxReplicas >= 1)) add.invalid('spec.maxReplicas', maxReplicas ?? 0, 'must be greater than 0');
  else if (minReplicas && maxReplicas < minReplicas) {
    add.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`');
  }
  if (!scaleTargetRef?.kind) add.required('spec.scaleTargetRef.kind');
  if (!scaleTargetRef?.name) add.required('spec.scaleTargetRef.name');
};

const PERCENT_TEXT =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

const budget: Rule = ({ spec }, _old, add) => {
  if (!spec) return;
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    const internal = {
      MinAvailable: spec.minAvailable,
      Selector: spec.selector ?? null,
      MaxUnavailable: spec.maxUnavailable,
      UnhealthyPodEvictionPolicy: spec.unhealthyPodEvictionPolicy ?? null,
    };
    add.invalid('spec', internal, 'minAvailable and maxUnavailable cannot be both set');
  }
  for (const field of ['minAvailable', 'maxUnavailable']) {
    const value = spec[field];
    if (typeof value === 'string' && !/^\d+%$/.test(value)) add.invalid(`spec.${field}`, value, PERCENT_TEXT);
    else if (typeof value === 'string' && Number.parseInt(value, 10) > 100)
      add.invalid(`spec.${field}`, value, 'must not be greater than 100%');
    else if (value < 0) add.invalid(`spec.${field}`, value, 'must be greater than or equal to 0');
  }
  selectorCauses(spec.selector, 'spec.selector', add);
};

const TYPES = ['Ingress', 'Egress'];

const networkPolicy: Rule = ({ spec }, _old, add) => {
  if (!spec) return;
  selectorCauses(spec.podSelector, 'spec.podSelector', add);
  for (const [field, peers] of [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const) {
    (spec[field] ?? []).forEach((rule: Fields, i: number) => {
      (rule.ports ?? []).forEach(({ port }: Fields, j: number) => {
        if (port !== undefined && port !== null) portOrNameCauses(port, `spec.${field}[${i}].ports[${j}].port`, add);
      });
      (rule[peers] ?? []).forEach((peer: Fields, j: number) => {
        peerCauses(peer, `spec.${field}[${i}].${peers}[${j}]`, add);
      });
    });
  }
  (spec.policyTypes ?? []).forEach((type: string, i: number) => {
    if (!TYPES.includes(type)) add.unsupported(`spec.policyTypes[${i}]`, type, TYPES);
  });
};

function isNetwork(text: string): boolean {
  const [address = '', size = '', more] = text.split('/');
  const family = isIP(address);
  return family !== 0 && more === undefined && /^\d+$/.test(size) && Number(size) <= (family === 4 ? 32 : 128);
}

function peerCauses({ podSelector, namespaceSelector, ipBlock }: Fields, path: string, add: Causes): void {
  if (!podSelector && !namespaceSelector && !ipBlock) add.required(path, 'must specify a peer');
  else if (ipBlock && (podSelector || namespaceSelector)) {
    add.forbidden(path, 'may not specify both ipBlock and another peer');
  }
  if (!ipBlock) return;
  if (!ipBlock.cidr) add.required(`${path}.ipBlock.cidr`);
  else if (!isNetwork(ipBlock.cidr)) {
    add.invalid(
      `${path}.ipBlock.cidr`,
      ipBlock.cidr,
      'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    );
  }
}

const WILDCARD = /^\*(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/;

function hostCauses(host: string, path: string, add: Causes): void {
  if (isIP(host)) add.invalid(path, host, 'must be a DNS name, not an IP address');
  else if (host.includes('*')) {
    if (!WILDCARD.test(host))
      add.invalid(
        path,
        host,
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      );
  } else if (!SUBDOMAIN.test(host)) add.invalid(path, host, SUBDOMAIN_TEXT);
}

const priorityClass: Rule = (object, old, add) => {
  const { name = '' } = object.metadata;
  const value: number = object['value'] ?? 0;
  const system = SYSTEM_PRIORITIES[name];
  if (name.startsWith('system-') && system === undefined) {
    add.forbidden(
      'metadata.name',
      `priority class names with 'system-' prefix are reserved for system use only. error: ${name} is not a known system priority class`,
    );
  } else if (system === undefined && value > HIGHEST_PRIORITY) {
    add.forbidden('value', `maximum allowed value of a user defined priority is ${HIGHEST_PRIORITY}`);
  }
  const policy = object['preemptionPolicy'];
  if (policy && !['Never', 'PreemptLowerPriority'].includes(policy))
    add.unsupported('preemptionPolicy', policy, ['Never', 'PreemptLowerPriority']);
  if (!old) return;
  if (old['value'] !== value) add.forbidden('value', 'may not be changed in an update.');
  if (old['preemptionPolicy'] !== policy) add.forbidden('preemptionPolicy', 'may not be changed in an update.');
};

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];

const ingress: Rule = ({ spec }, _old, add) => {
  if (!spec || (!spec.defaultBackend && !(spec.rules ?? []).length)) {
    add.invalid('spec', spec ?? {}, 'either `defaultBackend` or `rules` must be specified');
    return;
  }
  (spec.rules ?? []).forEach(({ host, http }: Fields, i: number) => {
    if (host) hostCauses(host, `spec.rules[${i}].host`, add);
    if (http && !(http.paths ?? []).length) add.required(`spec.rules[${i}].http.paths`);
    (http?.paths ?? []).forEach(({ path = '', pathType, backend }: Fields, j: number) => {
      const at = `spec.rules[${i}].http.paths[${j}]`;
      if (!pathType) add.required(`${at}.pathType`, 'pathType must be specified');
      else if (!PATH_TYPES.includes(pathType)) add.unsupported(`${at}.pathType`, pathType, PATH_TYPES);
      else if (pathType !== 'ImplementationSpecific' && !path.startsWith('/')) {
        add.invalid(`${at}.path`, path, 'must be an absolute path');
      }
      if (backend?.service && !backend.service.name) add.required(`${at}.backend.service.name`);
      if (backend?.service && !backend.service.port) {
        add.required(`${at}.backend`, 'port name or number is required');
      }
    });
  });
};

export const policyRules: Record<string, Rule> = {
  '/persistentvolumeclaims': claim,
  '/persistentvolumes': volume,
  'autoscaling/horizontalpodautoscalers': scaler,
  'policy/poddisruptionbudgets': budget,
  'networking.k8s.io/networkpolicies': networkPolicy,
  'networking.k8s.io/ingresses': ingress,
  'scheduling.k8s.io/priorityclasses': priorityClass,
};
