import { authz } from './authz.ts';
import { check } from './check.ts';
import { identity } from './identity.ts';
import type { Verb } from './verb.ts';
import { version } from './version.ts';

/** The root of the command tree. */
export const root: Verb = {
  name: 'linkerd',
  summary: 'linkerd manages the Linkerd service mesh',
  long: 'linkerd manages the Linkerd service mesh.',
  verbs: [authz, check, identity, version],
};
