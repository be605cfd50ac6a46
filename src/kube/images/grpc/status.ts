/** Status codes of gRPC that the programs here use. */
export const CODES = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const;

/** A call that ended with a status other than OK. The message reads as Go prints it. */
export class GrpcFailure extends Error {
  readonly code: number;
  readonly detail: string;
  constructor(code: number, detail: string) {
    super(`rpc error: code = ${CODES[code] ?? `Code(${code})`} desc = ${detail}`);
    this.name = 'GrpcFailure';
    this.code = code;
    this.detail = detail;
  }
}

/** A message in its frame: not compressed, length, bytes. */
export function frame(bytes: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(5 + bytes.length);
  out.writeUInt8(0, 0);
  out.writeUInt32BE(bytes.length, 1);
  out.set(bytes, 5);
  return out;
}

/** Cuts a byte stream into messages. */
export class Deframer {
  #rest: Buffer = Buffer.alloc(0);
  push(chunk: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const out: Buffer[] = [];
    while (this.#rest.length >= 5) {
      const length = this.#rest.readUInt32BE(1);
      if (this.#rest.length < 5 + length) break;
      out.push(this.#rest.subarray(5, 5 + length));
      this.#rest = this.#rest.subarray(5 + length);
    }
    return out;
  }
}
