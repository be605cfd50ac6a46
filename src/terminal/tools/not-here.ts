import type { Command } from '#shell/command.ts';

const REASONS: Record<string, string> = {
  helm: 'helm is not here. The labs install with `kubectl apply` and `linkerd install`.',
  docker: 'docker is not here. The images of this cluster are part of the academy; look into containers with kubectl.',
  podman: 'podman is not here. Look into containers with kubectl.',
  ssh: 'ssh is not here, and the node has no login. Look into pods with `kubectl exec` and `kubectl debug`.',
  sudo: 'sudo is not here. Everything in this lab works as the user that you are.',
  su: 'su is not here. Everything in this lab works as the user that you are.',
  apt: 'apt is not here. Programs cannot be added; `help` lists those that there are.',
  'apt-get': 'apt-get is not here. Programs cannot be added; `help` lists those that there are.',
  brew: 'brew is not here. Programs cannot be added; `help` lists those that there are.',
  systemctl: 'systemctl is not here. What runs, runs in the cluster; see `kubectl get pods -A`.',
  kind: 'kind is not here. This lab has its cluster already; see `kubectl get nodes`.',
  minikube: 'minikube is not here. This lab has its cluster already; see `kubectl get nodes`.',
  k3d: 'k3d is not here. This lab has its cluster already; see `kubectl get nodes`.',
  git: 'git is not here. Your files are kept by the academy, and the page lets you download them.',
  cilium: 'cilium is not here. The mesh of this lab is Linkerd; see `linkerd check`.',
  istioctl: 'istioctl is not here. The mesh of this lab is Linkerd; see `linkerd check`.',
};

/** Summary of a program that only says that it is missing. */
export const NOT_HERE = 'not here; says what to do instead';

/** Programs that people reach for and that are not here say so, and what to do instead. */
export function notHere(): Command[] {
  return Object.entries(REASONS).map(([name, reason]) => ({
    name,
    summary: NOT_HERE,
    async execute({ stderr }) {
      await stderr.write(`${reason}\n`);
      return 127;
    },
  }));
}
