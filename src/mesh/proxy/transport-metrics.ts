import type { Connection } from '#kube/network/network.ts';
import { type Labels, type Metrics, renderLabels } from './metrics.ts';

interface Open {
  connection: Pick<Connection, 'bytesRead' | 'bytesWritten'>;
  labels: string;
  read: number;
  written: number;
}

/** Connections of one proxy as its `tcp_*` metrics count them. */
export class TransportMetrics {
  readonly #metrics: Metrics;
  readonly #open = new Set<Open>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    metrics.collect(() => {
      for (const each of this.#open) this.#flush(each);
    });
  }

  /** Counts a connection from now until it closes, and the bytes on it. */
  count(connection: Connection, labels: Labels): void {
    const metrics = this.#metrics;
    const text = renderLabels(labels);
    const closed = renderLabels({ ...labels, errno: '' });
    const open: Open = { connection, labels: text, read: 0, written: 0 };
    this.#open.add(open);
    metrics.add('tcp_open_total', text);
    metrics.add('tcp_open_connections', text);
    metrics.add('tcp_read_bytes_total', text, 0);
    metrics.add('tcp_write_bytes_total', text, 0);
    connection.once('close', () => {
      this.#open.delete(open);
      this.#flush(open);
      metrics.add('tcp_open_connections', text, -1);
      metrics.add('tcp_close_total', closed);
    });
  }

  #flush(open: Open): void {
    const { bytesRead, bytesWritten } = open.connection;
    if (bytesRead > open.read) this.#metrics.add('tcp_read_bytes_total', open.labels, bytesRead - open.read);
    if (bytesWritten > open.written)
      this.#metrics.add('tcp_write_bytes_total', open.labels, bytesWritten - open.written);
    open.read = bytesRead;
    open.written = bytesWritten;
  }
}
