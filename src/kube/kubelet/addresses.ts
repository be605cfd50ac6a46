/** As kubeadm's examples have it. */
export const DEFAULT_POD_CIDR = '10.244.0.0/16';

/** Pod addresses out of a /16, handed out in turn, so that one just given back is not the next one's. */
export class PodAddresses {
  readonly #taken = new Set<number>();
  readonly #prefix: string;
  #last = 1;

  constructor(cidr = DEFAULT_POD_CIDR) {
    this.#prefix = cidr.split('.').slice(0, 2).join('.');
  }

  take(): string {
    for (let tries = 0; tries < 65_000; tries++) {
      this.#last = this.#last >= 65_000 ? 2 : this.#last + 1;
      if (this.#taken.has(this.#last) || (this.#last & 0xff) === 0 || (this.#last & 0xff) === 255) continue;
      this.#taken.add(this.#last);
      return `${this.#prefix}.${this.#last >> 8}.${this.#last & 0xff}`;
    }
    throw new Error('no pod address is free');
  }

  giveBack(ip: string): void {
    const [, , high, low] = ip.split('.').map(Number);
    this.#taken.delete(((high ?? 0) << 8) | (low ?? 0));
  }
}
