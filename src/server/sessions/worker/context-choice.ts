import { parse, stringify } from 'yaml';
import type { Kubeconfig } from '#kube/client/kubeconfig.ts';

/** What a learner chose in a kubeconfig: the current context, and a namespace for some of them. */
export interface ContextChoice {
  current: string;
  namespaces: Record<string, string>;
}

/** Undefined when the text is no kubeconfig. */
export function choiceIn(kubeconfig: string): ContextChoice | undefined {
  try {
    const { contexts = [], 'current-context': current = '' } = parse(kubeconfig) as Partial<Kubeconfig>;
    const named = contexts.flatMap(({ name, context }) => (context.namespace ? [[name, context.namespace]] : []));
    return { current, namespaces: Object.fromEntries(named) };
  } catch {
    return undefined;
  }
}

/** A kubeconfig of ours with the same choice; what it has no context for is forgotten. */
export function withChoice(kubeconfig: string, { current, namespaces }: ContextChoice): string {
  const config = parse(kubeconfig) as Kubeconfig;
  const contexts = config.contexts.map(({ name, context }) => {
    const namespace = namespaces[name];
    return { name, context: namespace ? { ...context, namespace } : context };
  });
  const known = contexts.some(({ name }) => name === current);
  return stringify({ ...config, contexts, ...(known ? { 'current-context': current } : {}) });
}
