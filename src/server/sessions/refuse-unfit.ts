import { AcademyError } from '#base/errors.ts';
import type { Lab } from '#schema/lab.ts';
import { type ClientMessage, MAX_FILE_BYTES } from '#schema/protocol.ts';

const GOOD_AFTER_END: ReadonlySet<string> = new Set(['hello', 'ping', 'session.reset', 'views.watch']);

/** Throws AcademyError for a message that a session which is over can't do anything with. */
export function refuseAfterEnd({ type }: ClientMessage): void {
  if (!GOOD_AFTER_END.has(type)) throw new AcademyError('session/ended', 'This session has ended.');
}

/** Throws AcademyError for a message of a page that can't be done in a lab; the session goes on. */
export function refuseUnfit(message: ClientMessage, lab: Lab): void {
  if (message.type === 'file.write' && Buffer.byteLength(message.content) > MAX_FILE_BYTES)
    throw new AcademyError('file/too-large', `${message.path} is larger than a file may be.`);
  if (message.type === 'clock.advance' && lab.cluster.clock !== 'movable')
    throw new AcademyError('request/invalid', "This lab's clock can't be moved.");
}
