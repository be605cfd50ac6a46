import type { RequestDecision } from '#mesh/policy/core/decide.ts';
import { grpcStatusOf } from './classify.ts';
import type { Answer } from './exchange.ts';
import type { InboundConnection } from './inbound-http.ts';
import { authzLabels, parentLabels, routeLabels, serverLabels, targetLabels, tlsLabels } from './inbound-labels.ts';
import { type Labels, renderLabels } from './metrics.ts';
import { RequestSeries } from './request-series.ts';

export type Allowed = Extract<RequestDecision, { outcome: 'allow' }>;

/** The newer families, of applications alone. */
const families = (protocol: 'http' | 'grpc') => ({
  requests: `inbound_${protocol}_requests_total`,
  statuses: `inbound_${protocol}_statuses_total`,
  requestFrames: `inbound_${protocol}_request_frame_size_bytes`,
  responseFrames: `inbound_${protocol}_response_frame_size_bytes`,
  requestDuration: `inbound_${protocol}_request_duration_seconds`,
  responseDuration: `inbound_${protocol}_response_duration_seconds`,
});
type Families = ReturnType<typeof families>;
const HTTP = families('http');
const GRPC = families('grpc');

/** What is counted of allowed requests of one connection, as long as they are decided alike. */
export class InboundSeries extends RequestSeries {
  readonly allowed: string;
  readonly parent: string;
  readonly #parent: Labels;
  /** Its own families, where the Server says that gRPC is spoken. */
  readonly families: Families;
  readonly #statuses = new Map<string, string>();
  readonly #decision: Allowed;

  constructor({ targetAddress, port, client, policy }: InboundConnection, decision: Allowed) {
    const target = targetLabels(targetAddress, port);
    const server = serverLabels(decision.server, port);
    const who = tlsLabels(client);
    const authz = authzLabels(decision.authorization);
    const route = routeLabels(decision.route);
    super({ direction: 'inbound', ...target, ...who, ...server, ...route, ...authz });
    this.allowed = renderLabels({ ...target, ...server, ...route, ...authz, ...who });
    this.#parent = parentLabels(decision.server, port, decision.route);
    this.parent = renderLabels(this.#parent);
    this.#decision = decision;
    this.families = policy.config.protocol === 'grpc' ? GRPC : HTTP;
  }

  isOf({ server, route, authorization }: Allowed): boolean {
    const mine = this.#decision;
    return mine.server === server && mine.route === route && mine.authorization === authorization;
  }

  /** By the status that counts: of HTTP, or of gRPC where its answer has one. */
  status(answer: Answer): string {
    const status = this.families === GRPC ? (grpcStatusOf(answer) ?? '') : String(answer.status);
    const known = this.#statuses.get(status);
    if (known !== undefined) return known;
    const made = renderLabels({ ...this.#parent, status });
    this.#statuses.set(status, made);
    return made;
  }
}

const lastSeries = new WeakMap<InboundConnection, InboundSeries>();

export function seriesOf(connection: InboundConnection, decision: Allowed): InboundSeries {
  const last = lastSeries.get(connection);
  if (last?.isOf(decision)) return last;
  const made = new InboundSeries(connection, decision);
  lastSeries.set(connection, made);
  return made;
}
