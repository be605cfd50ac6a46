import { same } from '#kube/api/patch/field-set.ts';
import { type Causes, selectorCauses } from './causes.ts';
import type { Rule } from './validation.ts';

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
    add.forbidden(
      'spec',
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
    );
  }
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

const budget: Rule = ({ spec }, _old, add) => {
  if (!spec) return;
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    add.invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set');
  }
  selectorCauses(spec.selector, 'spec.selector', add);
};

const TYPES = ['Egress', 'Ingress'];

const networkPolicy: Rule = ({ spec }, _old, add) => {
  if (!spec) return;
  selectorCauses(spec.podSelector, 'spec.podSelector', add);
  (spec.policyTypes ?? []).forEach((type: string, i: number) => {
    if (!TYPES.includes(type)) add.unsupported(`spec.policyTypes[${i}]`, type, TYPES);
  });
  for (const [field, peers] of [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const) {
    (spec[field] ?? []).forEach((rule: Fields, i: number) => {
      (rule[peers] ?? []).forEach((peer: Fields, j: number) => {
        peerCauses(peer, `spec.${field}[${i}].${peers}[${j}]`, add);
      });
    });
  }
};

function peerCauses({ podSelector, namespaceSelector, ipBlock }: Fields, path: string, add: Causes): void {
  if (!podSelector && !namespaceSelector && !ipBlock) add.required(path, 'must specify a peer');
  else if (ipBlock && (podSelector || namespaceSelector)) {
    add.forbidden(path, 'may not specify both ipBlock and another peer');
  }
  if (!ipBlock) return;
  if (!ipBlock.cidr) add.required(`${path}.ipBlock.cidr`);
  else if (!/^[\d.]+\/\d+$|^[\da-f:]+\/\d+$/i.test(ipBlock.cidr)) {
    add.invalid(
      `${path}.ipBlock.cidr`,
      ipBlock.cidr,
      'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    );
  }
}

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];

const ingress: Rule = ({ spec }, _old, add) => {
  if (!spec || (!spec.defaultBackend && !(spec.rules ?? []).length)) {
    add.invalid('spec', spec ?? {}, 'either `defaultBackend` or `rules` must be specified');
    return;
  }
  (spec.rules ?? []).forEach(({ http }: Fields, i: number) => {
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
  'autoscaling/horizontalpodautoscalers': scaler,
  'policy/poddisruptionbudgets': budget,
  'networking.k8s.io/networkpolicies': networkPolicy,
  'networking.k8s.io/ingresses': ingress,
};
