import { ipText } from '#mesh/api/addresses.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { METHODS, SCHEMES } from '#mesh/api/types.ts';
import { parseAddress } from '#mesh/policy/core/addresses.ts';

export interface Place {
  ip: string;
  port: number;
}

/** A request as a tap sees it. */
export interface Tapped {
  method: string;
  /** Without the query. */
  path: string;
  authority: string;
  scheme: string;
  source: Place;
  destination: Place;
  destinationLabels: Record<string, string>;
  /** Of a ServiceProfile's route. */
  routeLabels: Record<string, string> | undefined;
}

export type Matcher = (request: Tapped) => boolean;

/** What is wrong with a match, as the proxy words it. */
export class InvalidMatch extends Error {}

const EMPTY = 'missing required field';
const need = <T>(value: T | undefined): T => {
  if (value === undefined) throw new InvalidMatch(EMPTY);
  return value;
};

/** Reads a match once, so that asking it costs little. Throws InvalidMatch. */
export function readMatch(match: Message | undefined): Matcher {
  const [[kind, value] = []] = Object.entries(match ?? {});
  switch (kind) {
    case 'all': {
      const all = sequence(value);
      return (request) => all.every((each) => each(request));
    }
    case 'any': {
      const any = sequence(value);
      return (request) => any.some((each) => each(request));
    }
    case 'not': {
      const not = readMatch(value);
      return (request) => !not(request);
    }
    case 'source': {
      const source = tcpMatch(value);
      return (request) => source(request.source);
    }
    case 'destination': {
      const destination = tcpMatch(value);
      return (request) => destination(request.destination);
    }
    case 'destination_label': {
      const [key, wanted] = labelOf(value);
      return ({ destinationLabels }) => destinationLabels[key] === wanted;
    }
    case 'route_label': {
      const [key, wanted] = labelOf(value);
      return ({ routeLabels }) => routeLabels?.[key] === wanted;
    }
    case 'http':
      return httpMatch(value);
    default:
      throw new InvalidMatch(EMPTY);
  }
}

/** Members that say nothing are passed over. */
const sequence = ({ matches = [] }: Message): Matcher[] =>
  (matches as Message[]).filter((each) => Object.keys(each).length > 0).map(readMatch);

function labelOf({ key, value }: Message): [key: string, value: string] {
  if (!key || !value) throw new InvalidMatch(EMPTY);
  return [key, value];
}

function tcpMatch({ ports, netmask }: Message): (place: Place) => boolean {
  if (ports) {
    // A range with one end is a single port.
    const min: number = ports.min || ports.max || 0;
    const max: number = ports.max || min;
    if (min === 0) throw new InvalidMatch(EMPTY);
    if (min > max || max > 65_535) throw new InvalidMatch('invalid port number');
    return ({ port }) => min <= port && port <= max;
  }
  const { ip, mask = 0 } = need(netmask as Message | undefined);
  if (mask === 0) throw new InvalidMatch(EMPTY);
  const net = parseAddress(ipText(need(ip)));
  if (!net || mask > net.bits) throw new InvalidMatch('invalid network address');
  const shift = BigInt(net.bits - mask);
  return (place) => {
    const address = parseAddress(place.ip);
    return address?.bits === net.bits && address.value >> shift === net.value >> shift;
  };
}

function httpMatch(match: Message): Matcher {
  if (match['scheme']) {
    const scheme = registered(match['scheme'], SCHEMES, 'invalid request scheme');
    return (request) => request.scheme === scheme;
  }
  if (match['method']) {
    const method = registered(match['method'], METHODS, 'invalid http method');
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) throw new InvalidMatch('invalid http method');
    return (request) => request.method === method;
  }
  if (match['authority']) {
    const authority = textMatch(match['authority']);
    return (request) => authority(request.authority);
  }
  const path = textMatch(need(match['path'] as Message | undefined));
  return (request) => path(request.path);
}

function registered(value: Message, names: string[], wrong: string): string {
  if (value['unregistered'] !== undefined) return value['unregistered'];
  const name = names[need(value['registered'] as number | undefined)];
  if (name === undefined) throw new InvalidMatch(wrong);
  return name;
}

function textMatch({ exact, prefix }: Message): (text: string) => boolean {
  if (exact !== undefined) return (text) => text === exact;
  const start: string = need(prefix);
  return (text) => text.startsWith(start);
}
