const BLOCK = 512;

export interface TarFile {
  name: string;
  content: Uint8Array;
}

/** A ustar archive of plain files. Names longer than 100 bytes go in GNU long-name records. */
export function packTar(files: TarFile[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const add = (name: string, content: Uint8Array, type: string) => {
    parts.push(head(name, content.length, type), content);
    const rest = content.length % BLOCK;
    if (rest > 0) parts.push(new Uint8Array(BLOCK - rest));
  };
  for (const { name, content } of files) {
    if (Buffer.byteLength(name) > 100) add('././@LongLink', Buffer.from(`${name}\0`), 'L');
    add(name, content, '0');
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return Buffer.concat(parts);
}

function head(name: string, size: number, type: string): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  block.write(Buffer.from(name).subarray(0, 100).toString('latin1'), 0, 'latin1');
  block.write(octal(0o644, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write(' '.repeat(8), 148);
  block.write(type, 156);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** The plain files of an archive; links and devices are left out. */
export function unpackTar(archive: Buffer): TarFile[] {
  const files: TarFile[] = [];
  let long: string | undefined;
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const block = archive.subarray(at, at + BLOCK);
    if (block.every((byte) => byte === 0)) break;
    const text = (from: number, to: number) => block.subarray(from, to).toString('utf8').replace(/\0.*$/s, '');
    const size = Number.parseInt(text(124, 136).trim() || '0', 8);
    const content = Uint8Array.from(archive.subarray(at + BLOCK, at + BLOCK + size));
    const type = text(156, 157);
    const prefix = text(257, 262) === 'ustar' ? text(345, 500) : '';
    if (type === 'L') long = Buffer.from(content).toString('utf8').replace(/\0.*$/s, '');
    else {
      if (type === '0' || type === '')
        files.push({ name: long ?? (prefix ? `${prefix}/${text(0, 100)}` : text(0, 100)), content });
      long = undefined;
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
