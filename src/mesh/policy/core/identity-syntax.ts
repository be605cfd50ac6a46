const DNS_LIKE = /^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SCHEME = 'spiffe://';

/** Why the webhook refuses an identity; undefined for a DNS name, `*`, a suffix or a SPIFFE id. */
export function identityProblem(id: string): string | undefined {
  if (!id.startsWith(SCHEME)) {
    return DNS_LIKE.test(id)
      ? undefined
      : `identity must be a valid SPIFFE id or a DNS SAN, matching the regex: ${DNS_LIKE.source}`;
  }
  const rest = id.slice(SCHEME.length);
  const slash = rest.indexOf('/');
  const domain = slash < 0 ? rest : rest.slice(0, slash);
  if (domain === '') return 'SPIFFE trust domain is missing';
  if (/[^a-z0-9._-]/.test(domain)) {
    return 'SPIFFE trust domain characters are limited to lowercase letters, numbers, dots, dashes, and underscores';
  }
  return slash < 0 ? undefined : pathProblem(rest.slice(slash + 1).split('/'));
}

function pathProblem(segments: string[]): string | undefined {
  for (const [i, segment] of segments.entries()) {
    const isLast = i === segments.length - 1;
    if (/[^A-Za-z0-9._-]/.test(segment)) {
      return 'SPIFFE path segment characters are limited to letters, numbers, dots, dashes, and underscores';
    }
    if (segment === '')
      return isLast ? 'SPIFFE path cannot have a trailing slash' : 'SPIFFE path cannot contain empty segments';
    if (segment === '.' || segment === '..') return 'SPIFFE path cannot contain dot segments';
  }
  return undefined;
}
