import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { altNames, digestFor, extension, signatureAlgorithm } from './certificate.ts';
import * as der from './der.ts';
import { decodeName, encodeName } from './name.ts';

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const SUBJECT_ALT_NAME = '2.5.29.17';

/** A certificate signing request (PKCS#10) as DER, signed with the private key whose public half it asks to certify. */
export function createCsr(o: {
  subject: string;
  privateKey: string | KeyObject;
  dnsNames?: string[];
  uris?: string[];
  ipAddresses?: string[];
}): Uint8Array {
  const key = typeof o.privateKey === 'string' ? createPrivateKey(o.privateKey) : o.privateKey;
  const spki = createPublicKey(key as never).export({ type: 'spki', format: 'der' }) as Buffer;
  const names = altNames(o);
  const request = der.sequence(
    der.oid(EXTENSION_REQUEST),
    der.set(der.sequence(extension(SUBJECT_ALT_NAME, false, der.sequence(...names)))),
  );
  const info = der.sequence(
    der.integer(0),
    encodeName(o.subject),
    spki,
    der.explicit(0, ...(names.length > 0 ? [request] : [])),
  );
  return der.sequence(info, signatureAlgorithm(key), der.bits(sign(digestFor(key), info, key)));
}

export interface ParsedCsr {
  /** `CN=…`; empty when the request has no subject. */
  subject: string;
  commonName: string;
  publicKey: KeyObject;
  dnsNames: string[];
  emails: string[];
  uris: string[];
  /** Number of IP addresses asked for. */
  ipAddresses: number;
}

/** Reads a request and checks its signature. Throws SyntaxError when it is malformed or not signed by its own key. */
export function parseCsr(encoded: Uint8Array): ParsedCsr {
  try {
    const [outer] = der.read(encoded);
    const [info, , signature] = der.read(outer!.content);
    const [, name, spki, attributes] = der.read(info!.content);
    const publicKey = createPublicKey({ key: Buffer.from(spki!.raw), format: 'der', type: 'spki' });
    if (!verify(digestFor(publicKey), info!.raw, publicKey, signature!.content.subarray(1)))
      throw new SyntaxError('bad signature');
    const subject = decodeName(name!.raw);
    const alternatives = attributes ? altNamesIn(attributes.content) : [];
    const texts = (tag: number) =>
      alternatives.filter((node) => node.tag === tag).map((node) => Buffer.from(node.content).toString('latin1'));
    return {
      subject,
      commonName: /(?:^|, )CN=([^,]*)/.exec(subject)?.[1] ?? '',
      publicKey,
      emails: texts(0x81),
      dnsNames: texts(0x82),
      uris: texts(0x86),
      ipAddresses: alternatives.filter((node) => node.tag === 0x87).length,
    };
  } catch (error) {
    throw new SyntaxError(`not a certificate signing request: ${(error as Error).message}`);
  }
}

function altNamesIn(attributes: Uint8Array): der.Node[] {
  for (const attribute of der.read(attributes)) {
    const [id, values] = der.read(attribute.content);
    if (der.oidOf(id!.content) !== EXTENSION_REQUEST) continue;
    const [extensions] = der.read(values!.content);
    for (const item of der.read(extensions!.content)) {
      const fields = der.read(item.content);
      if (der.oidOf(fields[0]!.content) === SUBJECT_ALT_NAME)
        return der.read(der.read(fields.at(-1)!.content)[0]!.content);
    }
  }
  return [];
}
