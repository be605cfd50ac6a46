/** Collects what must be undone, and undoes it in reverse order, once. One failing step does not keep the others. */
export class Lifecycle {
  readonly #steps: (() => void | Promise<void>)[] = [];
  readonly #abort = new AbortController();
  #closing: Promise<void> | undefined;

  /** Aborted when closing begins. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }
  get closed(): boolean {
    return this.#closing !== undefined;
  }
  /** Registers a step; when already closed it runs at once. */
  add(step: () => void | Promise<void>): void {
    if (this.#closing) void Promise.resolve().then(step);
    else this.#steps.push(step);
  }
  close(): Promise<void> {
    this.#closing ??= this.#run();
    return this.#closing;
  }
  async #run(): Promise<void> {
    this.#abort.abort(new DOMException('closed', 'AbortError'));
    const failures: unknown[] = [];
    for (const step of this.#steps.reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#steps.length = 0;
    if (failures.length > 0) throw new AggregateError(failures, 'closing failed');
  }
}
