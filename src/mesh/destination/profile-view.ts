import type { Message } from '#mesh/api/protobuf.ts';
import { METHODS, millisOf } from '#mesh/api/types.ts';
import type { RequestCondition, ResponseCondition, ServiceProfile } from '#mesh/proxy/service-profile.ts';

/** What a proxy reads of a DestinationProfile that comes from a ServiceProfile. */
export function serviceProfileFrom(message: Message): ServiceProfile {
  const budget: Message = message['retry_budget'] ?? {};
  return {
    routes: (message['routes'] ?? []).map((route: Message) => {
      const timeoutMs = millisOf(route['timeout']);
      return {
        name: route['metrics_labels']?.route ?? '',
        condition: requestFrom(route['condition'] ?? {}),
        responseClasses: (route['response_classes'] ?? []).map((each: Message) => ({
          condition: responseFrom(each['condition'] ?? {}),
          isFailure: each['is_failure'] === true,
        })),
        isRetryable: route['is_retryable'] === true,
        ...(timeoutMs ? { timeoutMs } : {}),
      };
    }),
    budget: {
      retryRatio: budget['retry_ratio'] ?? 0,
      minRetriesPerSecond: budget['min_retries_per_second'] ?? 0,
      ttlMs: millisOf(budget['ttl']) ?? 10_000,
    },
    overrides: (message['dst_overrides'] ?? []).map((each: Message) => ({
      authority: each['authority'] ?? '',
      weight: each['weight'] ?? 0,
    })),
  };
}

function requestFrom(message: Message): RequestCondition {
  if (message['any']) return { any: (message['any'].matches ?? []).map(requestFrom) };
  if (message['not']) return { not: requestFrom(message['not']) };
  if (message['path']) return { pathRegex: message['path'].regex ?? '' };
  const method: Message | undefined = message['method'];
  if (method) return { method: method['unregistered'] ?? METHODS[method['registered'] ?? 0] ?? '' };
  return { all: (message['all']?.matches ?? []).map(requestFrom) };
}

function responseFrom(message: Message): ResponseCondition {
  if (message['any']) return { any: (message['any'].matches ?? []).map(responseFrom) };
  if (message['not']) return { not: responseFrom(message['not']) };
  if (message['status']) return { min: message['status'].min ?? 0, max: message['status'].max ?? 0 };
  return { all: (message['all']?.matches ?? []).map(responseFrom) };
}
