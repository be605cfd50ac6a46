import { invalid, type StatusCause } from '#kube/api/status.ts';
import type { ResourceKind } from './kinds.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1035_TEXT =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/** Kinds whose names may hold what others may not, such as the colons of `system:node`. */
const PATH_SEGMENT = new Set(['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings']);

/** What is wrong with a name, in the words of Kubernetes. Thrown at once for custom kinds and for no name at all. */
export function nameCauses(
  { group, resource, kind, custom }: Pick<ResourceKind, 'group' | 'resource' | 'kind' | 'custom'>,
  name: string,
  generated: boolean,
): StatusCause[] {
  const field = generated ? 'metadata.generateName' : 'metadata.name';
  const cause = (message: string): StatusCause => ({
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify(name)}: ${message}`,
    field,
  });
  const causes: StatusCause[] = [];
  if (!name)
    throw invalid(group, kind, '', [
      {
        reason: 'FieldValueRequired',
        message: 'Required value: name or generateName is required',
        field: 'metadata.name',
      },
    ]);
  if (PATH_SEGMENT.has(resource)) {
    if (/[/%]/.test(name) || name === '.' || name === '..') causes.push(cause("may not contain '/'"));
  } else if (group === '' && resource === 'namespaces') {
    if (!LABEL.test(name)) causes.push(cause(SUBDOMAIN.test(name) ? 'must not contain dots' : LABEL_TEXT));
  } else if (group === '' && resource === 'services') {
    if (!LABEL_1035.test(name)) causes.push(cause(LABEL_1035_TEXT));
  } else if (!SUBDOMAIN.test(name)) causes.push(cause(SUBDOMAIN_TEXT));
  const longest = ['namespaces', 'services'].includes(resource) ? 63 : 253;
  if (name.length > longest) causes.push(cause(`must be no more than ${longest} characters`));
  if (causes.length > 0 && custom) throw invalid(group, kind, name, causes);
  return causes;
}
