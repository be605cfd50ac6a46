/** Files of a new course, lesson or lab: path below the project's top folder, and text. All of them pass `academy check`. */
export type Files = Record<string, string>;

export const titleOf = (slug: string): string => {
  const words = slug.replaceAll('-', ' ');
  return words[0]!.toUpperCase() + words.slice(1);
};

export function courseFiles(course: string, order: number): Files {
  return {
    [`lessons/${course}/course.yaml`]: `# yaml-language-server: $schema=../course.schema.json
title: ${titleOf(course)}
summary: What a learner knows after this course, in two or three sentences.
order: ${order}
`,
  };
}

export interface LessonOf {
  course: string;
  slug: string;
  /** Three digits before the slug; decides the place among the lessons. */
  number: string;
  /** The lab it opens, with the tasks its text has to place. */
  lab?: { id: string; tasks: { id: string; title: string }[] };
}

export function lessonFiles({ course, slug, number, lab }: LessonOf): Files {
  const tasks = (lab?.tasks ?? []).map(({ id, title }) => `<Task id="${id}">\n  ${title}.\n</Task>\n\n`).join('');
  return {
    [`lessons/${course}/${number}-${slug}/index.mdx`]: `---
title: ${titleOf(slug)}
summary: One sentence that says what this lesson answers.
minutes: 15
${lab ? `lab: ${lab.id}\n` : ''}---

A situation that a working person recognises, and why it matters. Two or three sentences.

<Answer id="before" options={['one thing', 'another thing']} right={0}>
  A question to answer before looking.
  <Fragment slot="because">
    Why it is so, in a paragraph.
  </Fragment>
</Answer>

## Look

<Command run="kubectl get pods --all-namespaces" />

What the reader sees there, and what it means.

${tasks ? `## Change it\n\n${tasks}` : ''}## Take with you

What was learned, in two sentences.

**Where to read on.** In Linkerd’s documentation: [Features](https://linkerd.io/2/features/).
`,
  };
}

/** A small lab that proves itself: one Deployment, to be brought into the mesh. */
export function labFiles(id: string): Files {
  const at = (name: string) => `labs/${id}/${name}`;
  return {
    [at('lab.yaml')]: `# yaml-language-server: $schema=../lab.schema.json
title: ${titleOf(id)}
summary: One sentence that says what the learner brings about.
level: beginner
minutes: 15
drivers: any
cluster: { mesh: linkerd }
start: [demo.yaml]

tasks:
  - id: in-the-mesh
    title: Every pod in demo presents a certificate of the mesh
    points: 1
    check: certificate
    with: { pods: demo/*, verifies: now }
    hints:
      - when: { check: certificate, saw: no pods }
        say: No pod in demo has a proxy. Who adds it, and when?
      - An annotation on the namespace asks for it. Pods that exist already are left as they are.
`,
    [at('start/demo.yaml')]: `# One Deployment that answers on port 8080.
apiVersion: v1
kind: Namespace
metadata: { name: demo }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: hello, namespace: demo, labels: { app: hello } }
spec:
  replicas: 1
  selector: { matchLabels: { app: hello } }
  template:
    metadata: { labels: { app: hello } }
    spec:
      containers:
        - name: hello
          image: hashicorp/http-echo:1.0
          args: ["-listen=:8080", "-text=hello"]
          ports: [{ name: http, containerPort: 8080 }]
`,
    [at('solution.sh')]: `#!/usr/bin/env bash
# Ask for the proxy; nothing happens to the pods that run. Then make them anew.
set -euo pipefail
kubectl annotate namespace demo linkerd.io/inject=enabled
kubectl -n demo rollout status deployment/hello --timeout=1m
kubectl -n demo rollout restart deployment/hello
`,
    [at('solution.md')]: `1. Annotate the namespace with \`linkerd.io/inject=enabled\`.
2. Restart the Deployment: the proxy is added when a pod is made.
`,
    [at('instructor.md')]: `# For instructors

- How long it takes, what learners stumble over, and what to ask at the end.
`,
    [at('wrong/annotates-only.sh')]: `#!/usr/bin/env bash
# must-stay-red: in-the-mesh
# The namespace is annotated, and no pod is made anew.
set -euo pipefail
kubectl annotate namespace demo linkerd.io/inject=enabled
`,
    [at('wrong/restarts-only.sh')]: `#!/usr/bin/env bash
# must-stay-red: in-the-mesh
# The pods are made anew, and nobody asked for a proxy.
set -euo pipefail
kubectl -n demo rollout restart deployment/hello
kubectl -n demo rollout status deployment/hello --timeout=1m
`,
  };
}
