import type { NetworkMatch } from './config.ts';

/** An address as a number of 32 or 128 bits. */
interface Address {
  bits: 32 | 128;
  value: bigint;
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string): bigint[] | undefined => {
    if (half === '') return [];
    const out: bigint[] = [];
    const parts = half.split(':');
    for (const [i, part] of parts.entries()) {
      if (part.includes('.') && i === parts.length - 1) {
        const v4 = parseV4(part);
        if (v4 === undefined) return undefined;
        out.push(v4 >> 16n, v4 & 0xffffn);
      } else if (/^[0-9a-f]{1,4}$/i.test(part)) out.push(BigInt(`0x${part}`));
      else return undefined;
    }
    return out;
  };
  const head = groups(halves[0]!);
  const tail = halves.length === 2 ? groups(halves[1]!) : [];
  if (!head || !tail) return undefined;
  const gap = 8 - head.length - tail.length;
  if (halves.length === 2 ? gap < 1 : gap !== 0) return undefined;
  return [...head, ...Array<bigint>(gap).fill(0n), ...tail].reduce((sum, group) => (sum << 16n) | group, 0n);
}

/** The same few addresses are asked for with every request. */
const addresses = new Map<string, Address | undefined>();
const MOST_REMEMBERED = 1000;

/** Undefined when `text` is no address. An IPv4 address mapped into IPv6 is read as IPv4. */
export function parseAddress(text: string): Address | undefined {
  if (!addresses.has(text)) {
    if (addresses.size >= MOST_REMEMBERED) addresses.clear();
    addresses.set(text, readAddress(text));
  }
  return addresses.get(text);
}

function readAddress(text: string): Address | undefined {
  const v4 = parseV4(text);
  if (v4 !== undefined) return { bits: 32, value: v4 };
  const v6 = parseV6(text);
  if (v6 === undefined) return undefined;
  return v6 >> 32n === 0xffffn ? { bits: 32, value: v6 & 0xffffffffn } : { bits: 128, value: v6 };
}

export interface Network {
  bits: 32 | 128;
  prefix: number;
  value: bigint;
}

const networks = new Map<string, Network | undefined>();

/** Reads `10.0.0.0/8` or a bare address; undefined when it is neither. */
export function parseNetwork(text: string): Network | undefined {
  if (networks.has(text)) return networks.get(text);
  const network = readNetwork(text);
  if (networks.size > 4096) networks.clear();
  networks.set(text, network);
  return network;
}

function readNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const v4 = parseV4(address);
  const value = v4 ?? parseV6(address);
  if (value === undefined) return undefined;
  const bits = v4 === undefined ? 128 : 32;
  const length = slash < 0 ? String(bits) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits) return undefined;
  const prefix = Number(length);
  const shift = BigInt(bits - prefix);
  return { bits, prefix, value: (value >> shift) << shift };
}

export function networkHolds(network: Network, address: { bits: number; value: bigint }): boolean {
  if (network.bits !== address.bits) return false;
  if (network.prefix === 0) return true;
  const shift = BigInt(network.bits - network.prefix);
  return address.value >> shift === network.value >> shift;
}

/** Whether `inner` lies in `outer` (or equals it). */
export const networkCovers = (outer: Network, inner: Network): boolean =>
  inner.prefix >= outer.prefix && networkHolds(outer, inner);

export const networksOverlap = (a: Network, b: Network): boolean => networkCovers(a, b) || networkCovers(b, a);

/** Whether `ip` lies in one of `matches` and in none of its exceptions. */
export function addressMatches(matches: NetworkMatch[], ip: string): boolean {
  const address = parseAddress(ip);
  if (!address) return false;
  const inside = (cidr: string) => {
    const network = parseNetwork(cidr);
    return network !== undefined && networkHolds(network, address);
  };
  return matches.some((match) => inside(match.cidr) && !match.except.some(inside));
}

const loopbacks = new Map<string, boolean>();

export function isLoopback(ip: string): boolean {
  const known = loopbacks.get(ip);
  if (known !== undefined) return known;
  const is = readLoopback(ip);
  if (loopbacks.size > 4096) loopbacks.clear();
  loopbacks.set(ip, is);
  return is;
}

function readLoopback(ip: string): boolean {
  const address = parseAddress(ip);
  if (!address) return false;
  return address.bits === 32 ? address.value >> 24n === 127n : address.value === 1n;
}
