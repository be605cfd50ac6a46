import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { CommandContext } from '#shell/command.ts';
import type { ClientAt } from '../cluster-of.ts';
import type { Flags } from './flags.ts';
import type { KubeconfigFile } from './kubeconfig-file.ts';
import type { ResourceFinder } from './resources.ts';

/** 127.0.0.1 of the lab's terminal, where port-forward listens and the lab's curl connects to. */
export interface Loopback {
  /** Listens on a port (0: any free one); throws an Error with code EADDRINUSE when it is taken. */
  listen(port: number, onConnection: (connection: Duplex) => void): { readonly port: number; close(): void };
}

export interface KubectlOptions {
  /** The cluster as the learner's user sees it. */
  client: KubeClient;
  /** Where there are several clusters: the one at the address that the kubeconfig's context has. */
  clientAt?: ClientAt;
  /** The cluster's clock, by which ages are told. */
  clock: Clock;
  /** Lets the learner edit a file of the shell's file system; resolves when done. Default: runs $KUBE_EDITOR, $EDITOR or vi. */
  edit?(path: string, context: CommandContext): Promise<void>;
  loopback?: Loopback;
  /** Path of the kubeconfig when neither --kubeconfig nor $KUBECONFIG names one. Default `$HOME/.kube/config`. */
  kubeconfig?: string;
}

/** One run of one verb, with everything it may look at. */
export interface Invocation {
  /** The verb and its subverbs, e.g. `['rollout', 'status']`. */
  path: string[];
  args: string[];
  flags: Flags;
  client: KubeClient;
  clock: Clock;
  context: CommandContext;
  options: KubectlOptions;
  config: KubeconfigFile;
  finder: ResourceFinder;
  namespace: string;
  /** True when --namespace was given. */
  namespaceGiven: boolean;
  out(text: string): Promise<void>;
  err(text: string): Promise<void>;
  /** Text of a file; refuses as kubectl refuses when it does not exist. */
  readFile(path: string): Promise<string>;
}

/** Resolves with the exit code; nothing means 0. */
export type Run = (k: Invocation) => Promise<number | undefined | void>;
