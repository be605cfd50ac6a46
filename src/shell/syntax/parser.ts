/** The parser alone: the build of a session's worker takes this much of the package and leaves its interpreter behind. */
export { parse, serialize } from 'just-bash';
