import { isIP } from 'node:net';
import { GrpcError } from '#mesh/api/grpc.ts';
import type { ControlAddress } from './settings.ts';

/** No connection to the controller came in time. */
export class FailFast extends Error {
  readonly controller: ControlAddress;
  constructor(controller: ControlAddress) {
    super('service in fail-fast');
    this.controller = controller;
  }
}

/** How the proxy's gRPC library names a status. */
const CODES: Record<number, string> = {
  2: 'Unknown error',
  3: 'Client specified an invalid argument',
  7: 'The caller does not have permission to execute the specified operation',
  9: "The system is not in a state required for the operation's execution",
  13: 'Internal error',
  14: 'The service is currently unavailable',
};

const status = (code: number, message: string): string =>
  `code: '${CODES[code] ?? code}'${message === '' ? '' : `, message: ${JSON.stringify(message)}`}`;

/** Why there is no certificate, as the log tells it. */
export function failureText(error: Error): string {
  if (error instanceof GrpcError) return status(error.code, error.message);
  if (!(error instanceof FailFast)) return error.message;
  const { host, port } = error.controller;
  const source = `controller ${host}:${port}: ${error.message}`;
  const addr = isIP(host)
    ? `Socket(${host}:${port})`
    : `Name(NameAddr { name: Name(${JSON.stringify(`${host}.`)}), port: ${port} })`;
  const debug = `ControlError { addr: ${addr}, source: FailFastError(()) }`;
  return `${status(2, source)}, source: ${debug} error.sources=[${source}, ${error.message}]`;
}
