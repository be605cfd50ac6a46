/** A block of RFC 7468 text. */
export interface PemBlock {
  label: string;
  der: Uint8Array;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n([\s\S]*?)-----END \1-----/g;

/** Every block of a text, in order; text around the blocks is passed over. Throws when base64 inside one is broken. */
export function readPem(text: string): PemBlock[] {
  return [...text.matchAll(BLOCK)].map((match) => {
    const body = match[2]!.replace(/\s+/g, '');
    if (!/^[A-Za-z0-9+/]+=*$/.test(body)) throw new SyntaxError(`the ${match[1]} block is not base64`);
    return { label: match[1]!, der: Buffer.from(body, 'base64') };
  });
}

export function writePem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
