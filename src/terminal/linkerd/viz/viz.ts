import type { Verb } from '../verb.ts';
import { allowScrapes } from './allow-scrapes.ts';
import { authz } from './authz.ts';
import { check } from './check.ts';
import { dashboard } from './dashboard.ts';
import { edges } from './edges.ts';
import { VIZ_GLOBALS } from './extension.ts';
import { install } from './install.ts';
import { list } from './list.ts';
import { profile } from './profile.ts';
import { prune } from './prune.ts';
import { routes } from './routes.ts';
import { stat } from './stat.ts';
import { statInbound } from './stat-inbound.ts';
import { statOutbound } from './stat-outbound.ts';
import { tap } from './tap.ts';
import { top } from './top.ts';
import { uninstall } from './uninstall.ts';

export const viz: Verb = {
  name: 'viz',
  summary: 'viz manages the linkerd-viz extension of Linkerd service mesh',
  long: `viz manages the linkerd-viz extension of Linkerd service mesh.

In a cluster of the academy without the extension, stat, routes, edges, authz, stat-inbound and
stat-outbound read the proxies themselves, over two seconds of traffic or --time-window. To tap,
install the extension first.`,
  globals: VIZ_GLOBALS,
  verbs: [
    allowScrapes,
    authz,
    check,
    dashboard,
    edges,
    install,
    list,
    profile,
    prune,
    routes,
    stat,
    statInbound,
    statOutbound,
    tap,
    top,
    uninstall,
  ].map((verb) => ({
    ...verb,
    globals: VIZ_GLOBALS,
  })),
};
