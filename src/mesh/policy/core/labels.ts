import type { ClientTls, InboundConfig, Ref } from './config.ts';

const three = (prefix: string, ref: Ref): [string, string][] => [
  [`${prefix}_group`, ref.group],
  [`${prefix}_kind`, ref.kind],
  [`${prefix}_name`, ref.name],
];

/** `tls` and what follows it, as the proxy's metrics spell it. */
export function tlsLabels(tls: ClientTls): [string, string][] {
  switch (tls.kind) {
    case 'established':
      return [
        ['tls', 'true'],
        ['client_id', tls.identity ?? ''],
      ];
    case 'none':
      return [
        ['tls', 'no_identity'],
        ['no_tls_reason', tls.reason],
      ];
    case 'opaque':
      return [
        ['tls', 'opaque'],
        ['sni', tls.sni],
      ];
  }
}

/** Labels of `inbound_{http,tcp}_authz_{allow,deny}_total` and its kin, in the order the proxy prints them. */
export function authorizationLabels(options: {
  config: InboundConfig;
  target: { ip: string; port: number };
  tls: ClientTls;
  route?: Ref;
  authorization?: Ref;
}): [string, string][] {
  const { config, target, tls, route, authorization } = options;
  return [
    ['target_addr', `${target.ip}:${target.port}`],
    ['target_ip', target.ip],
    ['target_port', String(target.port)],
    ...three('srv', config.server),
    ['srv_port', String(config.port)],
    ...(route ? three('route', route) : []),
    ...(authorization ? three('authz', authorization) : []),
    ...tlsLabels(tls),
  ];
}

/** `client.tls` in the proxy's log lines. */
export function tlsForLog(tls: ClientTls): string {
  switch (tls.kind) {
    case 'established':
      return tls.identity === undefined
        ? 'Some(Established { client_id: None, negotiated_protocol: None })'
        : `Some(Established { client_id: Some(ClientId(Dns(Name("${tls.identity}")))), negotiated_protocol: None })`;
    case 'none':
      return tls.reason === 'no_tls_from_remote' ? 'None(NoClientHello)' : 'None(PortSkipped)';
    case 'opaque':
      return `Some(Passthru { sni: ServerName("${tls.sni}") })`;
  }
}
