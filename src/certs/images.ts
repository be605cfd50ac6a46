import type { KubeClient } from '#kube/client/client.ts';
import type { ContainerContext, Image, Process } from '#kube/images/program.ts';

/** The pod's own service account, as its mounted token would authenticate it. */
function clientOf(context: ContainerContext): KubeClient {
  if (!context.services) throw new Error('a controller needs a way to the API server');
  const { namespace, serviceAccount } = context.pod;
  return context.services.kube({
    username: `system:serviceaccount:${namespace}:${serviceAccount}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: { 'authentication.kubernetes.io/pod-name': [context.pod.name] },
  });
}

type Programs = typeof import('./program.ts');

/** An image of one program, whose code is loaded when a pod first needs it. */
function image(
  repository: string,
  summary: string,
  entrypoint: string,
  start: (programs: Programs, context: ContainerContext) => Process,
): Image {
  return {
    repository,
    summary,
    entrypoint: [entrypoint],
    cmd: [],
    user: 1000,
    workingDir: '/',
    hasShell: false,
    start(context) {
      if (context.argv[0] !== entrypoint) return undefined;
      let killed: NodeJS.Signals | undefined;
      let running: Process | undefined;
      const started = import('./program.ts').then((programs) => {
        running = start(programs, context);
        if (killed) running.kill(killed);
        return running;
      });
      return {
        exited: started.then(
          ({ exited }) => exited,
          () => 1,
        ),
        kill(signal) {
          killed = signal;
          running?.kill(signal);
        },
      };
    },
  };
}

/** cert-manager and trust-manager, by the images that their manifests name. */
export const certsImages: Image[] = [
  image(
    'quay.io/jetstack/cert-manager-controller',
    'cert-manager: self-signed and CA issuers, certificates kept in Secrets and renewed',
    '/app/cmd/controller/controller',
    (programs, context) => programs.startController(context, clientOf(context)),
  ),
  image(
    'quay.io/jetstack/cert-manager-cainjector',
    'cert-manager: writes CAs into webhook configurations',
    '/app/cmd/cainjector/cainjector',
    (programs, context) => programs.startCaInjector(context, clientOf(context)),
  ),
  image(
    'quay.io/jetstack/cert-manager-webhook',
    'cert-manager: its webhook, up and healthy; validation is left to the CRDs',
    '/app/cmd/webhook/webhook',
    (programs, context) => programs.startWebhook(context),
  ),
  image(
    'quay.io/jetstack/cert-manager-startupapicheck',
    'cert-manager: ends well when its API takes objects',
    '/app/cmd/startupapicheck/startupapicheck',
    (programs, context) => programs.startApiCheck(context, clientOf(context)),
  ),
  image(
    'quay.io/jetstack/trust-manager',
    'trust-manager: trust anchors from Secrets and ConfigMaps into ConfigMaps of many namespaces',
    '/app/cmd/trust-manager/trust-manager',
    (programs, context) => programs.startTrustManager(context, clientOf(context)),
  ),
];
