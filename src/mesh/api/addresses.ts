import { parseAddress } from '#mesh/policy/core/addresses.ts';
import type { Message } from './protobuf.ts';

/** An address as net.IPAddress; undefined when the text is none. */
export function ipMessage(text: string): Message | undefined {
  const address = parseAddress(text);
  if (!address) return undefined;
  if (address.bits === 32) return { ipv4: Number(address.value) };
  return { ipv6: { first: address.value >> 64n, last: address.value & 0xffffffffffffffffn } };
}

export function ipText(message: Message | undefined): string {
  if (message?.['ipv4'] !== undefined) {
    const value: number = message['ipv4'];
    return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
  }
  const { first = 0n, last = 0n } = message?.['ipv6'] ?? {};
  const value = (BigInt(first) << 64n) | BigInt(last);
  const groups: string[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(((value >> shift) & 0xffffn).toString(16));
  // The longest run of zero groups is folded.
  const text = groups.join(':');
  const runs = [...text.matchAll(/(^|:)0(:0)+(:|$)/g)].sort((a, b) => b[0].length - a[0].length);
  return runs[0] ? text.replace(runs[0][0], '::') : text;
}

export const tcpMessage = (ip: string, port: number): Message => ({ ip: ipMessage(ip), port });

export function networkMessage(cidr: string): Message {
  const [ip = '', prefix] = cidr.split('/');
  const address = ipMessage(ip) ?? {};
  const bits = address['ipv4'] === undefined ? 128 : 32;
  return { ip: address, prefix_len: prefix === undefined ? bits : Number(prefix) };
}

export const networkText = (message: Message): string => `${ipText(message['ip'])}/${message['prefix_len'] ?? 0}`;
