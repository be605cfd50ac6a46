import { AcademyError, messageOf } from '#base/errors.ts';
import { type StatusCause, StatusError } from '#kube/api/status.ts';
import type { GroupVersionResource } from '#kube/api/types.ts';

/** A failure that kubectl words itself: `error: <message>`, exit code 1. `plain` leaves the prefix away. */
export class CliError extends Error {
  readonly exitCode: number;
  readonly plain: boolean;
  constructor(message: string, options: { exitCode?: number; plain?: boolean } = {}) {
    super(message);
    this.exitCode = options.exitCode ?? 1;
    this.plain = options.plain ?? false;
  }
}

/** Several failures, each printed on its own. */
export class ManyErrors extends Error {
  readonly errors: unknown[];
  constructor(errors: unknown[]) {
    super('several failures');
    this.errors = errors;
  }
}

/** What kubectl says when arguments are not right, with the way to its help. */
export const usageError = (path: string[], message: string): CliError =>
  new CliError(`${message}\nSee 'kubectl ${path.join(' ')} -h' for help and examples`);

/** The text on stderr for a failure (kubectl/pkg/cmd/util CheckErr), without a last line end. */
export function errorText(error: unknown): string {
  if (error instanceof ManyErrors) {
    return error.errors.map((each) => errorText(each).replace(/^error: /, '')).join('\n');
  }
  if (error instanceof CliError) return error.plain ? error.message : withPrefix(error.message);
  if (error instanceof StatusError) return statusText(error);
  if (error instanceof AcademyError && error.code === 'driver/unavailable') return unreachableText(error);
  return withPrefix(messageOf(error));
}

const withPrefix = (message: string): string => (message.startsWith('error: ') ? message : `error: ${message}`);

function statusText({ status }: StatusError): string {
  const { reason, message = '', details } = status;
  if (reason === 'Invalid') return invalidText(message, details);
  if (reason === 'Unauthorized') return `error: You must be logged in to the server (${message})`;
  return reason ? `Error from server (${reason}): ${message}` : `Error from server: ${message}`;
}

function invalidText(message: string, details: StatusError['status']['details']): string {
  if (!details) return `The request is invalid${message ? `: ${message}` : ''}`;
  const causes = details.causes ?? [];
  let text = 'The request is invalid';
  if (details.kind || details.name) text = `The ${details.kind ?? ''} ${JSON.stringify(details.name ?? '')} is invalid`;
  else if (message && causes.length === 0) text += `: ${message}`;
  if (causes.length === 0) return text;
  const lines = [...new Set(causes.map(causeText))];
  return lines.length === 1 ? `${text}: ${lines[0]}` : `${text}: \n${lines.map((line) => `* ${line}`).join('\n')}`;
}

const causeText = (cause: StatusCause): string => `${cause.field ?? ''}: ${cause.message ?? ''}`;

function unreachableText(error: AcademyError): string {
  const cause = error.cause as { code?: string; address?: string; port?: number } | undefined;
  const host = /The cluster at (\S+)/.exec(error.message)?.[1] ?? 'localhost:8080';
  if (cause?.code === 'ECONNREFUSED') {
    return `The connection to the server ${host} was refused - did you specify the right host or port?`;
  }
  return `Unable to connect to the server: ${error.cause ? messageOf(error.cause) : error.message}`;
}

/** A server's failure with what was being done to which source (cmdutil.AddSourceToErr). */
export function whileDoing(verb: string, source: string, error: unknown): unknown {
  if (!source) return error;
  if (error instanceof StatusError) {
    const message = `error when ${verb} ${JSON.stringify(source)}: ${error.status.message ?? ''}`;
    return new StatusError({ ...error.status, message });
  }
  return new Error(`error when ${verb} ${JSON.stringify(source)}: ${messageOf(error)}`);
}

/** A refused list, with what was looked for (cli-runtime/pkg/resource/selector.go). */
export function whileListing(
  { group, version, resource }: GroupVersionResource,
  { selector = '', fieldSelector = '' }: { selector?: string; fieldSelector?: string },
  error: unknown,
): unknown {
  if (!isStatus(error, 'BadRequest', 'NotFound')) return error;
  const gvr = JSON.stringify(`${group}/${version}, Resource=${resource}`);
  const what =
    selector || fieldSelector
      ? `Unable to find ${gvr} that match label selector ${JSON.stringify(selector)}, field selector ${JSON.stringify(fieldSelector)}`
      : `Unable to list ${gvr}`;
  return new StatusError({ ...error.status, message: `${what}: ${error.message}` });
}

export const isStatus = (error: unknown, ...reasons: string[]): error is StatusError =>
  error instanceof StatusError && reasons.includes(error.reason);

/** Ends the command with a text that is printed as it is, without `error:`. */
export function throwPlain(text: string): never {
  throw new CliError(text, { plain: true });
}
