import { matchesSelector } from '#kube/api/selectors.ts';
import type { KubeObject } from '#kube/api/types.ts';

/** A pod and the node that it is on. */
export interface Placed {
  pod: KubeObject;
  node: KubeObject;
}

type Selector = NonNullable<Parameters<typeof matchesSelector>[0]>;

interface Term {
  labelSelector?: Selector;
  namespaces?: string[];
  namespaceSelector?: Selector;
  topologyKey: string;
}

/** What keeps a pod from a node; `helps`: whether it would not if other pods were away. */
export interface Apart {
  reason: string;
  helps: boolean;
}

/**
 * Required pod affinity and anti-affinity, of the pod itself and of those that are there. `namespaceLabels` are asked for
 * terms with a namespaceSelector. Source: pkg/scheduler/framework/plugins/interpodaffinity/filtering.go.
 */
export function keptApart(
  pod: KubeObject,
  node: KubeObject,
  placed: Placed[],
  namespaceLabels: (namespace: string) => Record<string, string>,
): Apart | undefined {
  const meant = (term: Term, owner: KubeObject, other: KubeObject): boolean => {
    const namespace = other.metadata.namespace ?? '';
    const isThere =
      (term.namespaces ?? []).includes(namespace) ||
      (term.namespaceSelector
        ? matchesSelector(term.namespaceSelector, namespaceLabels(namespace))
        : !term.namespaces?.length && namespace === owner.metadata.namespace);
    return isThere && term.labelSelector !== undefined && matchesSelector(term.labelSelector, other.metadata.labels);
  };
  const together = (key: string, other: KubeObject): boolean => {
    const value = node.metadata.labels?.[key];
    return value !== undefined && other.metadata.labels?.[key] === value;
  };

  const wanted = termsOf(pod, 'podAffinity');
  const isMet = wanted.every((term) =>
    placed.some((other) => together(term.topologyKey, other.node) && meant(term, pod, other.pod)),
  );
  // The first of a group that wants to be together may go anywhere.
  const isFirst = () =>
    wanted.every(
      (term) =>
        node.metadata.labels?.[term.topologyKey] !== undefined &&
        meant(term, pod, pod) &&
        !placed.some((other) => meant(term, pod, other.pod)),
    );
  if (!isMet && !isFirst()) return { reason: "node(s) didn't match pod affinity rules", helps: false };

  const avoids = termsOf(pod, 'podAntiAffinity').some((term) =>
    placed.some((other) => together(term.topologyKey, other.node) && meant(term, pod, other.pod)),
  );
  if (avoids) return { reason: "node(s) didn't match pod anti-affinity rules", helps: true };
  const isAvoided = placed.some((other) =>
    termsOf(other.pod, 'podAntiAffinity').some(
      (term) => together(term.topologyKey, other.node) && meant(term, other.pod, pod),
    ),
  );
  if (isAvoided) return { reason: "node(s) didn't satisfy existing pods anti-affinity rules", helps: true };
  return undefined;
}

const termsOf = (pod: KubeObject, kind: 'podAffinity' | 'podAntiAffinity'): Term[] =>
  pod.spec?.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
