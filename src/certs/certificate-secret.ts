/* biome-ignore-all lint/suspicious/noExplicitAny: objects are plain JSON. */
import type { KubeObject } from '#kube/api/types.ts';
import { issuerRefOf } from './certificate-state.ts';
import { base64 } from './objects.ts';

/** The Secret that a Certificate keeps: what else somebody put into it stays. */
export function certificateSecret(
  certificate: KubeObject,
  old: KubeObject | undefined,
  issued: { certificate: string; ca: string; key: string },
): KubeObject {
  const { spec, metadata } = certificate;
  const ref = issuerRefOf(spec);
  const template = spec.secretTemplate ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    ...(old ?? {}),
    type: old?.['type'] ?? 'kubernetes.io/tls',
    metadata: {
      ...(old?.metadata ?? {}),
      name: spec.secretName,
      namespace: metadata.namespace!,
      labels: { ...old?.metadata.labels, ...template.labels, 'controller.cert-manager.io/fao': 'true' },
      annotations: {
        ...old?.metadata.annotations,
        ...template.annotations,
        'cert-manager.io/certificate-name': metadata.name!,
        'cert-manager.io/common-name': spec.commonName ?? '',
        'cert-manager.io/alt-names': (spec.dnsNames ?? []).join(','),
        'cert-manager.io/ip-sans': (spec.ipAddresses ?? []).join(','),
        'cert-manager.io/uri-sans': (spec.uris ?? []).join(','),
        'cert-manager.io/issuer-name': ref.name,
        'cert-manager.io/issuer-kind': ref.kind,
        'cert-manager.io/issuer-group': ref.group,
      },
    },
    data: {
      ...old?.['data'],
      'tls.crt': base64(issued.certificate),
      'tls.key': base64(issued.key),
      'ca.crt': base64(issued.ca),
    },
  };
}
