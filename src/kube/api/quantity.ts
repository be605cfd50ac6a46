const PATTERN = /^([+-]?)(\d+\.?\d*|\.\d+)(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i))?$/;
const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const NAMES = new Map(Object.entries(DECIMAL).map(([name, power]) => [power, name]));

/**
 * A quantity in the one form in which a server keeps it: the largest unit that needs no fraction (`1000m` is `1`, `1024Mi`
 * is `1Gi`), in the base that it was written in. Undefined when it is no quantity. Source: apimachinery/pkg/api/resource.
 */
export function canonicalQuantity(text: string): string | undefined {
  const match = PATTERN.exec(text);
  if (!match) return undefined;
  const [, sign = '', digits = '', exponent, suffix = ''] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  let value = BigInt(`${whole}${fraction}` || '0');
  let power = -fraction.length;
  if (value === 0n) return '0';
  const minus = sign === '-' ? '-' : '';
  if (suffix.endsWith('i')) {
    const scale = BINARY.indexOf(suffix) + 1;
    const [scaled, places] = [value * 1024n ** BigInt(scale), 10n ** BigInt(-power)];
    // A fraction of a byte is rounded up to the next milli-unit, in decimals.
    if (scaled % places !== 0n) return minus + decimal((scaled * 1000n + places - 1n) / places, -3, false);
    return minus + binary(scaled / places);
  }
  power += exponent ? Number(exponent.slice(1)) : DECIMAL[suffix]!;
  while (power < -9) {
    value = value / 10n + (value % 10n === 0n ? 0n : 1n);
    power++;
  }
  return minus + decimal(value, power, exponent !== undefined);
}

function binary(value: bigint): string {
  let scale = 0;
  let rest = value;
  while (rest % 1024n === 0n && scale < BINARY.length) {
    rest /= 1024n;
    scale++;
  }
  return `${rest}${scale === 0 ? '' : BINARY[scale - 1]}`;
}

function decimal(value: bigint, from: number, exponent: boolean): string {
  let rest = value;
  let power = from;
  while (rest % 10n === 0n) {
    rest /= 10n;
    power++;
  }
  // Powers come in threes.
  while (power % 3 !== 0 || power > 18) {
    rest *= 10n;
    power--;
  }
  if (exponent) return power === 0 ? `${rest}` : `${rest}e${power}`;
  return `${rest}${NAMES.get(power)}`;
}

/** A quantity as a number; undefined when it is none. */
export function quantityValue(text: string): number | undefined {
  const match = PATTERN.exec(text);
  if (!match) return undefined;
  const [, sign = '', digits = '', exponent, suffix = ''] = match;
  const size = suffix.endsWith('i') ? 1024 ** (BINARY.indexOf(suffix) + 1) : 10 ** DECIMAL[suffix]!;
  return (sign === '-' ? -1 : 1) * Number(digits) * size * 10 ** Number(exponent?.slice(1) ?? 0);
}

/** Quantities added up, in canonical form; binary where one of them is. */
export function sumOfQuantities(amounts: string[]): string {
  const isBinary = amounts.some((amount) => amount.endsWith('i'));
  const milli = amounts.reduce((sum, amount) => sum + BigInt(Math.round((quantityValue(amount) ?? 0) * 1000)), 0n);
  if (milli === 0n) return '0';
  const minus = milli < 0n ? '-' : '';
  const size = milli < 0n ? -milli : milli;
  return minus + (isBinary && size % 1000n === 0n ? binary(size / 1000n) : decimal(size, -3, false));
}

/** Below zero, zero or above, as sorting wants it. */
export const compareQuantities = (a: string, b: string): number => (quantityValue(a) ?? 0) - (quantityValue(b) ?? 0);
