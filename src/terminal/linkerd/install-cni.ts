import { Failure, type Verb } from './verb.ts';

/** The plugin works on a node's files and programs; the nodes here have neither. */
export const installCni: Verb = {
  name: 'install-cni',
  summary: 'Output Kubernetes configs to install Linkerd CNI',
  long: `Output Kubernetes configs to install Linkerd CNI.

Not in this terminal: the DaemonSet would copy a plugin to where the container runtime of
each node looks for it, and the nodes of this cluster have no such runtime. Pods here are
set up by linkerd-init, which linkerd install brings without --linkerd-cni-enabled.`,
  takes: { least: 0, most: 0 },
  async run() {
    throw new Failure(
      'install-cni: the nodes of this cluster have no container runtime that a CNI plugin could be given to; install without --linkerd-cni-enabled',
    );
  },
};
