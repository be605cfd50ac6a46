const BLOCK = 512;

/** A POSIX ustar archive of plain files (IEEE Std 1003.1, pax interchange format, ustar header). */
export function tarOf(files: Record<string, Uint8Array>, nowMs: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [path, content] of Object.entries(files)) {
    parts.push(header(path, content.length, nowMs), content);
    const rest = content.length % BLOCK;
    if (rest > 0) parts.push(new Uint8Array(BLOCK - rest));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return Buffer.concat(parts);
}

function header(path: string, size: number, nowMs: number): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  const [name, prefix] = split(path);
  const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, '0') + '\0';
  block.write(name, 0);
  block.write(octal(0o644, 8), 100);
  block.write(octal(1000, 8), 108);
  block.write(octal(1000, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(Math.floor(nowMs / 1000), 12), 136);
  block.write(' '.repeat(8), 148);
  block.write('0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** A name over 100 bytes is cut at a slash into prefix and name. */
function split(path: string): [name: string, prefix: string] {
  if (Buffer.byteLength(path) <= 100) return [path, ''];
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    const name = path.slice(at + 1);
    if (Buffer.byteLength(name) <= 100 && at <= 155) return [name, path.slice(0, at)];
  }
  return [path.slice(-100), ''];
}
