import type { ApiRequest, ApiResponse } from '#kube/api/http.ts';
import type { KubeObject, UserInfo } from '#kube/api/types.ts';

/** What a request wants, as authorization and admission see it. Source: apiserver/pkg/endpoints/request.RequestInfo. */
export interface Attributes {
  user: UserInfo;
  /** get, list, watch, create, update, patch, delete, deletecollection; lower-case HTTP method for other paths. */
  verb: string;
  isResource: boolean;
  group: string;
  version: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  path: string;
}

/** Who sends a request; undefined: this authenticator doesn't know (anonymous unless another does). Rejects with 401. */
export type Authenticator = (request: ApiRequest) => Promise<UserInfo | undefined> | UserInfo | undefined;

/** Whether the user may; `reason` is appended to the Forbidden message when there is one. */
export type Authorizer = (
  attributes: Attributes,
) => { allowed: boolean; reason?: string } | Promise<{ allowed: boolean; reason?: string }>;

export interface AdmissionAttributes {
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  group: string;
  version: string;
  resource: string;
  subresource: string;
  kind: string;
  namespace: string;
  name: string;
  user: UserInfo;
  dryRun: boolean;
}

/** A step between authorization and storage. Objects are private copies: `mutate` may change and returns the object. */
export interface AdmissionPlugin {
  readonly name: string;
  /** The resources that it looks at, whatever their group; absent: all of them. */
  readonly concerns?: readonly string[];
  /** Asks others. What it changes, the others see once more. */
  readonly isRemote?: true;
  /** Returns the object, changed or not; may add warnings. Rejects with a StatusError to refuse. */
  mutate?(
    attributes: AdmissionAttributes,
    object: KubeObject | undefined,
    old: KubeObject | undefined,
    warn: (text: string) => void,
  ): Promise<KubeObject | undefined>;
  validate?(
    attributes: AdmissionAttributes,
    object: KubeObject | undefined,
    old: KubeObject | undefined,
    warn: (text: string) => void,
  ): Promise<void>;
  /** The last word, in the same turn as the write: what counts what is there must not be overtaken. */
  settle?(attributes: AdmissionAttributes, object: KubeObject, old: KubeObject | undefined): void;
}

/**
 * Answers requests for a resource that is not stored, such as `tokenreviews` or `serviceaccounts/token`. The key is
 * `group/version/resource[/subresource]`, e.g. `authentication.k8s.io/v1/tokenreviews`, `/v1/serviceaccounts/token`.
 */
export type VirtualResource = (request: ApiRequest, attributes: Attributes) => Promise<ApiResponse>;
