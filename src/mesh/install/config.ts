import { Document, parse, visit } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import { defaultValues } from './default-values.ts';
import { base64, componentLabels, createdBy, role, rule } from './names.ts';
import { difference } from './overrides.ts';
import type { Values } from './values.ts';

/**
 * YAML as Go's marshaller writes maps: keys sorted, long strings unfolded; what YAML 1.1 would read as something else than
 * a string in double quotes, what could not stand plain for another reason in single ones.
 */
export function goYaml(value: unknown): string {
  const document = new Document(value, { version: '1.1', sortMapEntries: true, aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && readOtherwise(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0, indentSeq: false, nullStr: 'null', singleQuote: true });
}

const readOtherwise = (text: string): boolean =>
  text === '' ||
  (/^([-+.\d]|[yn]$|yes$|no$|on$|off$|true$|false$|null$|~$|=$|<<$)/i.test(text) &&
    !text.includes('\n') &&
    typeof parse(text, { version: '1.1', logLevel: 'silent', strict: false }) !== 'string');

/** The values as they are kept in the cluster: without private keys. */
function published(values: Values): Values {
  const copy = structuredClone(values);
  delete copy.identity.issuer.tls.keyPEM;
  return copy;
}

export function linkerdConfig(namespace: string, values: Values): KubeObject[] {
  const at = { namespace };
  const annotations = createdBy(values.cliVersion);
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'linkerd-config', namespace, labels: componentLabels(at, 'controller'), annotations },
      data: {
        'linkerd-crds-chart-version': 'linkerd-crds-1.0.0-edge',
        values: goYaml(published(values)),
      },
    },
    role(
      at,
      'ext-namespace-metadata-linkerd-config',
      { 'linkerd.io/control-plane-ns': namespace },
      [rule([''], ['configmaps'], ['get'], ['linkerd-config'])],
      annotations,
    ),
  ];
}

/** What was chosen at install time, keys included; `linkerd upgrade` starts from it. */
export function configOverrides(namespace: string, values: Values): KubeObject {
  // A trust domain that only follows the cluster's name was not chosen.
  const follows = values.identityTrustDomain === values.clusterDomain;
  const base = { ...defaultValues(), ...(follows ? { identityTrustDomain: values.identityTrustDomain } : {}) };
  const overrides = difference(base, values) ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { labels: { 'linkerd.io/control-plane-ns': namespace }, name: 'linkerd-config-overrides', namespace },
    data: { 'linkerd-config-overrides': base64(goYaml(overrides)) },
  };
}
