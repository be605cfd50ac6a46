/**
 * The families of the real proxy's metrics that are true of this one, with their help, units and bounds. What tells of
 * the real one's own machinery has nothing to count here and is left out: its runtime (`tokio_*`), its layers
 * (`stack_*`), spans that nobody collects (`opentelemetry_*`), the kinds of its DNS queries (`control_dns_*`), and what a
 * process of its own would use (`process_cpu_*`, memory, files, threads), as all proxies of a cluster share one here.
 */

/** Upper bounds of `response_latency_ms`, ms (linkerd-http-metrics). */
export const LATENCY_MS = [1, 10, 100, 1_000, 10_000].flatMap((unit) => [1, 2, 3, 4, 5].map((n) => n * unit));
/** Upper bounds of the newer histograms. */
const SECONDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 10];
const RESPONSE_SECONDS = [0.05, 0.5, 1, 10];
const DETECT_SECONDS = [0.001, 0.1];
const QUEUE_SECONDS = [0.0005, 0.005, 0.05, 0.5, 1, 3];
const FRAME_BYTES = [128, 1024, 10_240];

/** In the family's own unit: seconds, bytes. */
export function boundsOf(name: string): readonly number[] {
  if (name.endsWith('_bytes')) return FRAME_BYTES;
  if (name.endsWith('_queue_latency_seconds')) return QUEUE_SECONDS;
  if (name.endsWith('_detect_http_duration_seconds')) return DETECT_SECONDS;
  return /^inbound_(http|grpc)_response_duration_seconds$/.test(name) ? RESPONSE_SECONDS : SECONDS;
}

const LATENCY_HELP = "Elapsed times between a request's headers being received and its response stream completing";
const FRAMES = { request: 'Request data frame sizes.', response: 'Response data frame sizes.' };
const ofRoutes = (protocol: 'http' | 'grpc'): Record<string, string> => ({
  [`outbound_${protocol}_route_request_frame_size_bytes`]: FRAMES.request,
  [`outbound_${protocol}_route_backend_response_frame_size_bytes`]: FRAMES.response,
  [`outbound_${protocol}_route_backend_requests_total`]: 'The total number of requests dispatched.',
  [`outbound_${protocol}_route_backend_response_duration_seconds`]:
    'The time between request completion and response completion.',
  [`outbound_${protocol}_route_backend_response_statuses_total`]: 'Completed responses.',
  [`outbound_${protocol}_route_request_duration_seconds`]:
    'The time between request initialization and response completion.',
  [`outbound_${protocol}_route_request_statuses_total`]: 'Completed request-response streams.',
  [`outbound_${protocol}_route_retry_limit_exceeded_total`]: 'Retryable requests not sent due to retry limits.',
  [`outbound_${protocol}_route_retry_overflow_total`]: 'Retryable requests not sent due to circuit breakers.',
  [`outbound_${protocol}_route_retry_requests_total`]: 'Retry requests emitted.',
  [`outbound_${protocol}_route_retry_successes_total`]: 'Successful responses to retry requests.',
});

const ofApplication = (protocol: 'http' | 'grpc', statuses: string): Record<string, string> => ({
  [`inbound_${protocol}_requests_total`]: 'The total number of requests dispatched.',
  [`inbound_${protocol}_statuses_total`]: statuses,
  [`inbound_${protocol}_request_frame_size_bytes`]: FRAMES.request,
  [`inbound_${protocol}_response_frame_size_bytes`]: FRAMES.response,
  [`inbound_${protocol}_request_duration_seconds`]: 'The time between request initialization and response completion.',
  [`inbound_${protocol}_response_duration_seconds`]: 'The time between request completion and response completion.',
});

/** A balancer, with the queue before it and the gate before that. */
const ofBalancer = (prefix: string): Record<string, string> => ({
  [`${prefix}_endpoints`]: 'The number of endpoints currently in a HTTP request balancer.',
  [`${prefix}_p2c_endpoints`]: 'The number of endpoints currently in the balancer.',
  [`${prefix}_p2c_updates_total`]: 'The total number of service discovery updates received by a balancer.',
  [`${prefix}_queue_length`]: 'The current count of requests waiting in the queue.',
  [`${prefix}_queue_requests_total`]: 'The total number of requests that have entered the queue.',
  [`${prefix}_queue_latency_seconds`]: 'The distribution of durations that requests have spent in the queue.',
  [`${prefix}_queue_gate_open_total`]: 'The total number of gate state changes to open.',
  [`${prefix}_queue_gate_shut_total`]: 'The total number of gate state changes from open to shut.',
  [`${prefix}_queue_gate_open_time_seconds`]: 'The time at which the gate was opened.',
  [`${prefix}_queue_gate_shut_time_seconds`]: 'The time at which the gate was shut.',
  [`${prefix}_queue_gate_timeout_seconds`]:
    'Indicates the request timeout after which the gate will shut and enter failfast.',
});

const HELP: Record<string, string> = {
  request_total: 'Total count of HTTP requests.',
  response_total: 'Total count of HTTP responses.',
  response_latency_ms: LATENCY_HELP,
  route_request_total: 'Total count of HTTP requests.',
  route_response_total: 'Total count of HTTP responses.',
  route_response_latency_ms: LATENCY_HELP,
  route_retryable_total: 'Total count of retryable HTTP responses.',
  route_actual_request_total: 'Total count of HTTP requests.',
  route_actual_response_total: 'Total count of HTTP responses.',
  control_request_total: 'Total count of HTTP requests.',
  control_response_total: 'Total count of HTTP responses.',
  control_response_latency_ms: LATENCY_HELP,
  tcp_open_total: 'Total count of opened connections',
  tcp_close_total: 'Total count of closed connections',
  tcp_open_connections: 'Number of currently-open connections',
  tcp_read_bytes_total: 'Total count of bytes read from peers',
  tcp_write_bytes_total: 'Total count of bytes written to peers',
  inbound_http_authz_allow_total: 'The total number of inbound HTTP requests that were authorized',
  inbound_http_authz_deny_total:
    'The total number of inbound HTTP requests that could not be processed due to a proxy error.',
  inbound_http_route_not_found_total:
    'The total number of inbound HTTP requests that could not be associated with a route',
  inbound_http_local_ratelimit_total: 'The total number of inbound HTTP requests that were rate-limited',
  inbound_http_errors_total:
    'The total number of inbound HTTP requests that could not be processed due to a proxy error.',
  ...ofApplication('http', 'Completed HTTP responses.'),
  ...ofApplication('grpc', 'Completed gRPC responses.'),
  control_identity_cert_expiration_timestamp_seconds:
    "Time when this proxy's current mTLS identity certificate will expire (in seconds since the UNIX epoch).",
  control_identity_cert_refresh_timestamp_seconds:
    "Time when this proxy's current mTLS identity certificate was last updated.",
  control_identity_cert_refreshes_total:
    "The total number of times this proxy's mTLS identity certificate has been refreshed by the Identity provider.",
  inbound_tcp_transport_header_connections_total: 'TCP connections with transport headers.',
  ...ofBalancer('control_identity_balancer'),
  ...ofBalancer('control_destination_balancer'),
  ...ofBalancer('control_policy_balancer'),
  ...ofBalancer('outbound_http_balancer'),
  ...ofBalancer('outbound_tcp_balancer'),
  ...ofBalancer('outbound_tls_balancer'),
  ...ofRoutes('http'),
  ...ofRoutes('grpc'),
  inbound_tcp_detect_http_results_total: 'Protocol detection results.',
  outbound_tcp_detect_http_results_total: 'Protocol detection results.',
  inbound_tcp_detect_http_duration_seconds: 'Time taken for protocol detection.',
  outbound_tcp_detect_http_duration_seconds: 'Time taken for protocol detection.',
  outbound_tcp_protocol_connections_total: 'Outbound TCP connections by protocol configuration.',
  outbound_tcp_route_open_total: 'The number of connections opened.',
  outbound_tcp_route_close_total: 'The number of connections closed.',
  outbound_tls_route_open_total: 'The number of connections opened.',
  outbound_tls_route_close_total: 'The number of connections closed.',
  outbound_tcp_errors_total:
    'The total number of outbound TCP connections that could not be processed due to a proxy error.',
  inbound_tcp_authz_allow_total: 'The total number of inbound TCP connections that were authorized',
  inbound_tcp_authz_deny_total: 'The total number of inbound TCP connections that were denied',
  inbound_tcp_authz_terminate_total:
    'The total number of inbound TCP connections that were terminated due to an authorization change',
};

/** Families of the newer registry are announced without `_total` and with a closing full stop. */
const isNewer = (name: string): boolean =>
  /^(inbound_(http|grpc)_(requests|statuses)_total$|inbound_tcp_(detect|transport)_|outbound_(tcp|tls)_(detect|route|protocol|balancer)_|outbound_(http|grpc)_(route|balancer)_|control_(identity|destination|policy)_)/.test(
    name,
  );

const unitOf = (name: string): string | undefined => /_(seconds|bytes)$/.exec(name)?.[1];

/** Families that the real proxy keeps as floating-point numbers: whole values are printed with `.0`. They are times. */
export const isFloat = (name: string): boolean => name.endsWith('_seconds');

/** The lines before a family's series. */
export function headLines(name: string, type: 'counter' | 'gauge' | 'histogram'): string[] {
  const title = isNewer(name) ? name.replace(/_total$/, '') : name;
  const unit = unitOf(name);
  return [
    `# HELP ${title} ${HELP[name] ?? `${name}.`}`,
    `# TYPE ${title} ${type}`,
    ...(unit ? [`# UNIT ${title} ${unit}`] : []),
  ];
}
