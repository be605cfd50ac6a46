import { type Labels, renderLabels } from './metrics.ts';

/** The labels of requests that are alike, rendered once: rendering costs more than counting. */
export class RequestSeries {
  readonly request: string;
  readonly #labels: Labels;
  readonly #latencies = new Map<number, string>();
  readonly #responses = new Map<string, string>();

  constructor(labels: Labels) {
    this.#labels = labels;
    this.request = renderLabels(labels);
  }

  /** Retries that were not made, as there was nothing left for them. */
  get skipped(): string {
    return renderLabels({ ...this.#labels, skipped: 'no_budget' });
  }

  latency(status: number): string {
    const known = this.#latencies.get(status);
    if (known !== undefined) return known;
    const made = renderLabels({ ...this.#labels, status_code: String(status) });
    this.#latencies.set(status, made);
    return made;
  }

  /** No response came at all. */
  failure(error: string): string {
    return renderLabels({ ...this.#labels, classification: 'failure', grpc_status: '', error });
  }

  /** An answer broke off after its head. */
  broken(status: number, error: string): string {
    const code = String(status);
    return renderLabels({ ...this.#labels, status_code: code, classification: 'failure', grpc_status: '', error });
  }

  response(status: number, failed: boolean, grpcStatus = ''): string {
    const key = `${status} ${failed} ${grpcStatus}`;
    const known = this.#responses.get(key);
    if (known !== undefined) return known;
    const made = renderLabels({
      ...this.#labels,
      status_code: String(status),
      classification: failed ? 'failure' : 'success',
      grpc_status: grpcStatus,
      error: '',
    });
    this.#responses.set(key, made);
    return made;
  }
}
