import type { KubeObject } from '#kube/api/types.ts';
import { conditionOf, issuerLabels } from './objects.ts';

/** What the controller tells of each Certificate, as Prometheus reads it. */
export function expositionOf(certificates: readonly KubeObject[]): string {
  const gauge = (name: string, help: string, lines: string[]) =>
    `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.map((line) => `${line}\n`).join('')}`;
  const series = (name: string, certificate: KubeObject, value: number, more = '') =>
    `${name}{${more}${issuerLabels(certificate)},name="${certificate.metadata.name}",namespace="${certificate.metadata.namespace}"} ${value}`;
  const instant = (name: string, help: string, field: string) =>
    gauge(
      name,
      help,
      certificates.map((each) => series(name, each, (Date.parse(each['status']?.[field] ?? '') || 0) / 1000)),
    );
  const ready = 'certmanager_certificate_ready_status';
  return (
    instant(
      'certmanager_certificate_expiration_timestamp_seconds',
      'The timestamp after which the certificate expires, expressed in Unix Epoch Time.',
      'notAfter',
    ) +
    instant(
      'certmanager_certificate_renewal_timestamp_seconds',
      'The timestamp after which the certificate should be renewed, expressed in Unix Epoch Time.',
      'renewalTime',
    ) +
    gauge(
      ready,
      'The ready status of the certificate.',
      certificates.flatMap((each) => {
        const status = conditionOf(each, 'Ready')?.status ?? 'Unknown';
        return ['True', 'False', 'Unknown'].map((one) =>
          series(ready, each, one === status ? 1 : 0, `condition="${one}",`),
        );
      }),
    )
  );
}
