import { authz } from './authz.ts';
import { check } from './check.ts';
import { completion } from './completion.ts';
import { diagnostics } from './diagnostics/diagnostics.ts';
import { identity } from './identity.ts';
import { inject } from './inject.ts';
import { install } from './install.ts';
import { installCni } from './install-cni.ts';
import { multicluster } from './multicluster/multicluster.ts';
import { profile } from './profile.ts';
import { prune } from './prune.ts';
import { uninject } from './uninject.ts';
import { uninstall } from './uninstall.ts';
import { upgrade } from './upgrade.ts';
import type { Verb } from './verb.ts';
import { version } from './version.ts';
import { viz } from './viz/viz.ts';

/** The root of the command tree. */
export const root: Verb = {
  name: 'linkerd',
  summary: 'linkerd manages the Linkerd service mesh',
  long: 'linkerd manages the Linkerd service mesh.',
  verbs: [
    authz,
    check,
    completion,
    diagnostics,
    identity,
    inject,
    install,
    installCni,
    multicluster,
    profile,
    prune,
    uninject,
    uninstall,
    upgrade,
    version,
    viz,
  ],
};
