/** Pod addresses out of 10.244.0.0/16, handed out in turn, so that one just given back is not the next one's. */
export class PodAddresses {
  readonly #taken = new Set<number>();
  #last = 1;

  take(): string {
    for (let tries = 0; tries < 65_000; tries++) {
      this.#last = this.#last >= 65_000 ? 2 : this.#last + 1;
      if (this.#taken.has(this.#last) || (this.#last & 0xff) === 0 || (this.#last & 0xff) === 255) continue;
      this.#taken.add(this.#last);
      return `10.244.${this.#last >> 8}.${this.#last & 0xff}`;
    }
    throw new Error('no pod address is free');
  }

  giveBack(ip: string): void {
    const [, , high, low] = ip.split('.').map(Number);
    this.#taken.delete(((high ?? 0) << 8) | (low ?? 0));
  }
}
