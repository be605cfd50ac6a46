import { GLOBAL_FLAGS } from '../flags.ts';
import type { Verb } from '../verb.ts';
import { allow } from './allow.ts';
import { check } from './check.ts';
import { gateways } from './gateways.ts';
import { install } from './install.ts';
import { link } from './link.ts';
import { linkGen } from './link-gen.ts';
import { uninstall } from './uninstall.ts';
import { unlink } from './unlink.ts';

/** The extension says the same of these flags in its own words. */
const GLOBALS = GLOBAL_FLAGS.map((flag) =>
  flag.name === 'linkerd-namespace' ? { ...flag, usage: 'Namespace in which Linkerd is installed' } : flag,
);

export const multicluster: Verb = {
  name: 'multicluster',
  aliases: ['mc'],
  summary: 'Manages the multicluster setup for Linkerd',
  long: `Manages the multicluster setup for Linkerd.

This command provides subcommands to manage the multicluster support
functionality of Linkerd. You can use it to install the service mirror
components on a cluster, manage credentials and link clusters together.`,
  examples: `  # Install multicluster addons.
  linkerd --context=cluster-a multicluster install | kubectl --context=cluster-a apply -f -

  # Extract mirroring cluster credentials from cluster A and install them on cluster B
  linkerd --context=cluster-a multicluster link --cluster-name=target | kubectl apply --context=cluster-b -f -`,
  globals: GLOBALS,
  verbs: [allow, check, gateways, install, link, linkGen, uninstall, unlink].map((verb) => ({
    ...verb,
    globals: GLOBALS,
    takes: { least: 0, most: 0 },
  })),
};
