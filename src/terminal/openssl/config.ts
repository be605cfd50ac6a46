import type { KeyObject } from 'node:crypto';
import { extension } from '#pki/certificate.ts';
import * as der from '#pki/der.ts';
import { altNamesFrom, extend, type Usage } from '#pki/issue.ts';
import { type CertificateParts, EXTENSION_OIDS, subjectKeyIdOf } from '#pki/structure.ts';
import { OpensslError } from './options.ts';

/** Sections by name; what stands before the first is `default`. */
export type Config = Map<string, Map<string, string>>;

/** Reads the format of openssl.cnf: sections, `key = value`, `#` comments, a backslash at the end of a line. */
export function parseConfig(text: string): Config {
  const config: Config = new Map([['default', new Map()]]);
  let section = config.get('default')!;
  for (const raw of text.replace(/\\\r?\n/g, '').split(/\r?\n/)) {
    const line = raw.replace(/(^|\s)#.*$/, '').trim();
    if (line === '') continue;
    const head = /^\[\s*(.+?)\s*\]$/.exec(line);
    if (head) {
      section = config.get(head[1]!) ?? new Map();
      config.set(head[1]!, section);
      continue;
    }
    const at = line.indexOf('=');
    if (at < 0) throw new OpensslError(`missing equal sign in the configuration: "${line}"`);
    section.set(
      line.slice(0, at).trim(),
      line
        .slice(at + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1'),
    );
  }
  return config;
}

const USAGES: Record<string, Usage> = {
  digitalSignature: 'digitalSignature',
  nonRepudiation: 'nonRepudiation',
  keyEncipherment: 'keyEncipherment',
  dataEncipherment: 'dataEncipherment',
  keyAgreement: 'keyAgreement',
  keyCertSign: 'certSign',
  cRLSign: 'crlSign',
};
const PURPOSES: Record<string, string> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  OCSPSigning: '1.3.6.1.5.5.7.3.9',
  anyExtendedKeyUsage: '2.5.29.37.0',
};

export interface ExtensionSubject {
  publicKey: KeyObject;
  /** Who signs; absent: the certificate itself. */
  issuer?: CertificateParts;
}

/** The extensions of a section, in its order. */
export function configuredExtensions(config: Config, section: string, about: ExtensionSubject): Uint8Array[] {
  return [...(config.get(section) ?? [])].flatMap(([name, value]) => {
    if (section === 'default' && name === 'extensions') return [];
    const made = configuredExtension(name, value, config, about);
    return made ? [made] : [];
  });
}

/** One extension as a configuration or -addext words it; undefined for `none`. */
export function configuredExtension(
  name: string,
  given: string,
  config: Config,
  about: ExtensionSubject,
): Uint8Array | undefined {
  const critical = /^critical\s*(,|$)/.test(given);
  const value = given.replace(/^critical\s*,?\s*/, '');
  const words = value.split(',').map((word) => word.trim());
  const bad = (why: string) => new OpensslError(`Error in extension ${name}=${given}: ${why}`);
  switch (name) {
    case 'basicConstraints': {
      const isCa = words.some((word) => /^CA:true$/i.test(word));
      const length = words.map((word) => /^pathlen:(\d+)$/i.exec(word)?.[1]).find((each) => each !== undefined);
      return extend.basicConstraints(isCa, length === undefined ? undefined : Number(length), critical);
    }
    case 'keyUsage':
      return extend.keyUsage(
        words.map((word) => USAGES[word] ?? raise(bad(`unknown usage "${word}"`))),
        critical,
      );
    case 'extendedKeyUsage':
      return extend.extendedKeyUsage(
        words.map(
          (word) => PURPOSES[word] ?? (/^\d+(\.\d+)+$/.test(word) ? word : raise(bad(`unknown usage "${word}"`))),
        ),
        critical,
      );
    case 'subjectKeyIdentifier':
      if (value === 'none') return undefined;
      if (value !== 'hash') throw bad('only "hash" and "none" are here');
      return extend.subjectKeyId(about.publicKey);
    case 'authorityKeyIdentifier':
      return value === 'none' ? undefined : authorityKeyId(about);
    case 'subjectAltName':
      return extend.subjectAltName(altNamesFrom(namesOf(words, config, bad)), critical);
    default:
      throw bad('this extension is not available here');
  }
}

function authorityKeyId({ publicKey, issuer }: ExtensionSubject): Uint8Array | undefined {
  if (!issuer)
    return extension(EXTENSION_OIDS.authorityKeyIdentifier, false, der.sequence(der.implicit(0, idOf(publicKey))));
  const id = subjectKeyIdOf(issuer.extensions);
  return id && extend.authorityKeyId(id);
}

/** The identifier that `subjectKeyIdentifier=hash` gives to this key. */
function idOf(publicKey: KeyObject): Uint8Array {
  const encoded = der.read(der.read(extend.subjectKeyId(publicKey))[0]!.content).at(-1)!;
  return der.read(encoded.content)[0]!.content;
}

function namesOf(words: string[], config: Config, bad: (why: string) => Error): string[] {
  return words.flatMap((word) => {
    if (word.startsWith('@')) {
      const section = config.get(word.slice(1)) ?? raise(bad(`no section ${word.slice(1)}`));
      return [...section].flatMap(([key, value]) => namesOf([`${key.replace(/\.\d+$/, '')}:${value}`], config, bad));
    }
    const [, kind, name] = /^(DNS|IP|URI|email):(.+)$/.exec(word) ?? [];
    if (!kind || !name) throw bad(`"${word}" is not DNS:, IP:, URI: or email:`);
    return [name];
  });
}

function raise(error: Error): never {
  throw error;
}
