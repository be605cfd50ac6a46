/** The beginning of a script whose kubectl and linkerd mean one cluster, whatever the learner's current context is. */
export const inContext = (name: string): string =>
  ['kubectl', 'linkerd'].map((tool) => `${tool}() { command ${tool} --context ${name} "$@"; }\n`).join('');
