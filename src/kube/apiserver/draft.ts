import type { Clock } from '#base/clock.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import type { ApiRequest, ApiResponse } from '#kube/api/http.ts';
import type { Writer } from '#kube/api/patch/apply.ts';
import { failure, type StatusCause } from '#kube/api/status.ts';
import type { Store } from '#kube/store/store.ts';
import { readBody } from './body.ts';
import { apiVersionOf, type Kinds, type ResourceKind } from './kinds.ts';
import type { Reads } from './reads.ts';
import type { AdmissionPlugin, Attributes } from './seams.ts';
import type { ServiceAddresses } from './service-addresses.ts';

export interface WriteOptions {
  store: Store;
  kinds: Kinds;
  clock: Clock;
  reads: Reads;
  addresses: ServiceAddresses;
  admission: () => AdmissionPlugin[];
}

/** A write on its way to the store. */
export interface Draft {
  kind: ResourceKind;
  attributes: Attributes;
  request: ApiRequest;
  dryRun: boolean;
  warnings: string[];
  /** What is wrong with the name, told with what else is wrong. */
  nameCauses: StatusCause[];
}

export function draftOf(kind: ResourceKind, attributes: Attributes, request: ApiRequest): Draft {
  // Deletion has its options in the body.
  const inBody = request.method === 'DELETE' ? (readBody(request) as { dryRun?: string[] } | undefined)?.dryRun : [];
  const dryRun = request.query.get('dryRun') ?? inBody?.[0];
  if (dryRun && dryRun !== 'All')
    throw failure('BadRequest', `dryRun: Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`);
  return { kind, attributes, request, dryRun: dryRun === 'All', warnings: [], nameCauses: [] };
}

/** Who owns the fields that a draft sets. */
export function writerOf({ kind, attributes }: Draft, manager: string, time: string): Writer {
  const { subresource } = attributes;
  return {
    manager,
    apiVersion: apiVersionOf(kind.group, kind.version),
    time,
    ...(subresource ? { subresource } : {}),
  };
}

export const hasStatusSubresource = (kind: ResourceKind): boolean =>
  kind.subresources.some((known) => known.name === 'status') &&
  kind.storage !== 'apiextensions.k8s.io/customresourcedefinitions';

export const withWarnings = ({ warnings }: Draft): { warnings?: string[] } => (warnings.length > 0 ? { warnings } : {});

export const stamp = (clock: Clock): string => rfc3339(clock.now());

export const success = (code: number): ApiResponse => ({
  status: code,
  body: { type: 'object', value: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code } },
});
