import { failure, invalid, type StatusError } from '#kube/api/status.ts';

const forbidden = (field: string, why: string) => ({
  reason: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${why}`,
});

/** Refuses combinations of options that mean nothing. Source: apimachinery/pkg/apis/meta/internalversion/validation. */
export function checkListOptions(query: URLSearchParams, isWatch: boolean): void {
  const match = query.get('resourceVersionMatch') ?? '';
  const version = query.get('resourceVersion') ?? '';
  const token = query.get('continue') ?? '';
  const hasInitialEvents = query.has('sendInitialEvents');
  const causes = [];
  if (hasInitialEvents && !isWatch)
    causes.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  if (isWatch && hasInitialEvents && match !== 'NotOlderThan')
    causes.push(
      forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
    );
  if (match !== '') {
    if (isWatch && !hasInitialEvents)
      causes.push(
        forbidden(
          'resourceVersionMatch',
          'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
        ),
      );
    if (!isWatch && version === '')
      causes.push(
        forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
      );
    if (token !== '')
      causes.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'));
    if (!['NotOlderThan', ...(isWatch ? [] : ['Exact'])].includes(match))
      causes.push({
        reason: 'FieldValueNotSupported',
        field: 'resourceVersionMatch',
        message: `Unsupported value: ${JSON.stringify(match)}: supported values: ${isWatch ? '' : '"Exact", '}"NotOlderThan"${isWatch ? '' : ', ""'}`,
      });
    if (!isWatch && match === 'Exact' && version === '0')
      causes.push(
        forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
      );
  }
  if (causes.length > 0) throw invalid('meta.k8s.io', 'ListOptions', '', causes);
  if (token !== '' && version !== '' && version !== '0')
    throw failure('BadRequest', 'specifying resource version is not allowed when using continue');
}

/** The revision that a client names; undefined when any will do. */
export function revisionOf(version: string): number | undefined {
  if (version === '' || version === '0') return undefined;
  if (!/^\d+$/.test(version))
    throw failure(
      'BadRequest',
      `invalid resource version ${JSON.stringify(version)}: strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`,
    );
  return Number(version);
}

/** As upstream refuses a revision that it has not come to, though without waiting for it. Source: apiserver/pkg/storage/errors.go. */
export const tooLarge = (asked: number, current: number): StatusError =>
  failure('Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

/** Where the next part of a list begins: after a key, in the list as it was at a revision (-1: as it is by then). */
export interface Continuation {
  key: string;
  revision: number;
}

export const continueToken = ({ key, revision }: Continuation): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: key })).toString('base64url');

export function readContinue(token: string | null): Continuation | undefined {
  if (!token) return undefined;
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { rv: unknown; start: unknown };
    if (typeof start === 'string' && Number.isInteger(rv)) return { key: start, revision: rv as number };
  } catch {
    // Falls through to the refusal.
  }
  throw failure('BadRequest', 'continue key is not valid: it was not made by this server');
}

/** A later part of a list that is no longer known as it was. The token in it goes on with what there is. */
export function tooOldToContinue(key: string): StatusError {
  const error = failure(
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  );
  error.status.metadata = { continue: continueToken({ key, revision: -1 }) };
  return error;
}
