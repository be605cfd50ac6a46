import { parse } from 'yaml';
import { proxyVersion } from '#mesh/check/pod-status.ts';
import { LINKERD_VERSION } from '#mesh/install/values.ts';
import type { Verb } from './verb.ts';

export const version: Verb = {
  name: 'version',
  summary: 'Print the client and server version information',
  flags: [
    { name: 'client', usage: 'Print the client version only' },
    {
      name: 'namespace',
      short: 'n',
      type: 'string',
      usage: 'Namespace to use for --proxy versions (default: all namespaces)',
    },
    { name: 'proxy', usage: 'Print data-plane versions' },
    { name: 'short', usage: 'Print the version number(s) only, with no additional output' },
  ],
  takes: { least: 0, most: 0 },
  async run({ client, controlPlane, flags, out }) {
    const short = flags.values.get('short') === 'true';
    await out(short ? `${LINKERD_VERSION}\n` : `Client version: ${LINKERD_VERSION}\n`);
    if (flags.values.get('client') === 'true') return 0;
    let server = 'unavailable';
    try {
      const config = await client.get(
        { group: '', version: 'v1', resource: 'configmaps', namespace: controlPlane },
        'linkerd-config',
      );
      server = parse(config.data?.values ?? '')?.linkerdVersion ?? server;
    } catch {
      // Without a control plane there is no server version; the real one says so and succeeds.
    }
    await out(short ? `${server}\n` : `Server version: ${server}\n`);
    if (flags.values.get('proxy') !== 'true') return 0;
    const namespace = flags.values.get('namespace');
    const pods = await client.list(
      { group: '', version: 'v1', resource: 'pods', ...(namespace ? { namespace } : {}) },
      { labelSelector: `linkerd.io/control-plane-ns=${controlPlane}` },
    );
    const counts = new Map<string, number>();
    for (const pod of pods.items) counts.set(proxyVersion(pod), (counts.get(proxyVersion(pod)) ?? 0) + 1);
    if (counts.size === 0) await out('Proxy versions: unavailable\n');
    else {
      await out('Proxy versions:\n');
      for (const [name, count] of [...counts].sort()) await out(`\t${name} (${count} pods)\n`);
    }
    return 0;
  },
};
