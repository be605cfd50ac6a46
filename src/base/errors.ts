/**
 * Every error a person can meet has one line in this table: a stable code, the HTTP status and exit code it maps to, and
 * what to do next. The message is written where the error is raised, because only there are the particulars known.
 * kubectl gets real `Status` objects instead (`kube/api/status.ts`).
 */
export const ERRORS = {
  'lab/unknown': { status: 404, exit: 2, hint: 'List the labs with `npx academy list labs`.' },
  'lab/invalid': { status: 422, exit: 2, hint: 'Run `npx academy check` to see every mistake with its line.' },
  'lab/unknown-check': { status: 422, exit: 2, hint: 'List the checks with `npx academy list checks`.' },
  'lesson/invalid': { status: 422, exit: 2, hint: 'Run `npx academy check` to see every mistake with its line.' },
  'session/unknown': { status: 404, exit: 2, hint: 'Open the lesson again and press Start lab.' },
  'session/ended': { status: 410, exit: 2, hint: 'Your files and progress were kept. Press Start lab to begin again.' },
  'session/crashed': { status: 410, exit: 1, hint: 'Your files and progress were kept. Reset gives a fresh cluster.' },
  'session/out-of-memory': {
    status: 410,
    exit: 1,
    hint: 'Something used more memory than a session may. Reset gives a fresh cluster.',
  },
  'session/stuck': {
    status: 410,
    exit: 1,
    hint: 'Something kept the session busy without a pause. Reset gives a fresh cluster.',
  },
  'session/capacity': { status: 503, exit: 3, hint: 'You are in the queue; this page moves on by itself.' },
  'request/invalid': { status: 400, exit: 2, hint: 'See the message for what is expected.' },
  'request/too-large': { status: 413, exit: 2, hint: 'Send less at once.' },
  'request/origin': { status: 403, exit: 2, hint: 'Open the academy at the address it printed on start.' },
  'request/not-found': { status: 404, exit: 2, hint: 'Check the address.' },
  'file/name': { status: 400, exit: 2, hint: 'Use letters, digits, dot, dash and underscore, with / between folders.' },
  'file/too-large': { status: 413, exit: 2, hint: 'A file may hold 1 MiB.' },
  'driver/unavailable': { status: 503, exit: 3, hint: 'Run `npx academy doctor` to see what is missing.' },
  'driver/engine': {
    status: 503,
    exit: 3,
    hint: 'Start the Docker Engine, or set ACADEMY_DRIVER=embedded. `npx academy doctor` says more.',
  },
  'driver/timeout': { status: 504, exit: 1, hint: 'The Docker Engine is slow or stuck. Reset gives a fresh cluster.' },
  'driver/image-missing': {
    status: 503,
    exit: 3,
    hint: 'Load it with `docker load` or `docker pull`, or name another with ACADEMY_NODE_IMAGE.',
  },
  'driver/disk-full': {
    status: 507,
    exit: 3,
    hint: 'Free some room, for instance with `docker system prune`, then reset the lab.',
  },
  'driver/network-pool': {
    status: 503,
    exit: 3,
    hint: 'End sessions that are not needed, or remove unused networks with `docker network prune`.',
  },
  'driver/address-taken': {
    status: 503,
    exit: 3,
    hint: 'Reset tries another one. If it stays so, something else on this machine uses these addresses or ports.',
  },
  'driver/node-lost': { status: 410, exit: 1, hint: 'Reset gives a fresh cluster. Your files and progress were kept.' },
  'driver/failed': { status: 500, exit: 1, hint: 'Reset gives a fresh cluster.' },
  'settings/invalid': { status: 500, exit: 2, hint: 'See the README for the settings and their values.' },
  'server/port': { status: 500, exit: 3, hint: 'Set PORT to a free port.' },
  'probe/broken': {
    status: 500,
    exit: 1,
    hint: 'This is our fault and costs you nothing. It is tried again by itself.',
  },
  internal: { status: 500, exit: 1, hint: 'This is a mistake of ours.' },
} as const satisfies Record<string, { status: number; exit: number; hint: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** An error with a code of {@link ERRORS}. `message` is one sentence for a person and never holds a secret. */
export class AcademyError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AcademyError';
    this.code = code;
    this.hint = options.hint ?? ERRORS[code].hint;
  }
  get status(): number {
    return ERRORS[this.code].status;
  }
  get exitCode(): number {
    return ERRORS[this.code].exit;
  }
}

/** True for the error that an aborted signal leaves behind; aborts are quiet. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || (error as { code?: string }).code === 'ABORT_ERR');
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of anything thrown; what is no error of ours is a mistake of ours. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof AcademyError ? error.code : 'internal';
}
