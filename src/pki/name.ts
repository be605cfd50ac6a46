import * as der from './der.ts';

const ATTRIBUTES: Record<string, string> = {
  CN: '2.5.4.3',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
};

/** Encodes `CN=name,O=organisation` (or a bare common name) in the order given. An empty text is the empty name. */
export function encodeName(text: string): Uint8Array {
  const parts = text.trim() === '' ? [] : text.includes('=') ? text.split(/(?<!\\),\s*/) : [`CN=${text}`];
  return der.sequence(
    ...parts.map((part) => {
      const at = part.indexOf('=');
      const id = ATTRIBUTES[part.slice(0, at).trim().toUpperCase()];
      if (!id) throw new SyntaxError(`unknown attribute in the name "${part}"`);
      return der.set(der.sequence(der.oid(id), der.utf8(part.slice(at + 1).replaceAll('\\,', ','))));
    }),
  );
}

/** The attributes of an encoded name as `CN=…, O=…`. */
export function decodeName(encoded: Uint8Array): string {
  const [outer] = der.read(encoded);
  return der
    .read(outer!.content)
    .map((rdn) => {
      const [pair] = der.read(rdn.content);
      const [id, value] = der.read(pair!.content);
      const dotted = der.oidOf(id!.content);
      const name = Object.keys(ATTRIBUTES).find((key) => ATTRIBUTES[key] === dotted) ?? dotted;
      return `${name}=${Buffer.from(value!.content).toString('utf8')}`;
    })
    .join(', ');
}
