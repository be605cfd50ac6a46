import { readLab } from '#content/labs.ts';
import type { TaskView } from '#schema/protocol.ts';
import type { FakeSession, Script } from './fake-academy.ts';
import { event, sampleCertificates, sampleMatrix, sampleTraffic, sampleValue } from './sample-views.ts';

const PROMPT = '\x1b[36mshop $\x1b[0m ';

/** A session of a real lab's tasks whose shell echoes, and whose views hold the samples. `pass <task>` passes a task. */
export async function labScript(labsDir: string, lab: string): Promise<() => Script> {
  const definition = await readLab(labsDir, lab);
  return () => {
    const now = Date.now();
    const lines = new Map<string, string>();
    const tasks: TaskView[] = definition.tasks.map((task) => ({
      id: task.id,
      title: task.title,
      points: task.points,
      mode: task.mode,
      needs: task.needs,
      hintsTotal: task.hints.length,
      hintsShown: [],
      verdict: {
        task: task.id,
        state: task.needs.length > 0 ? 'blocked' : task.mode === 'invariant' ? 'passed' : 'failed',
        said:
          task.needs.length > 0
            ? ''
            : task.mode === 'invariant'
              ? '482 sent, 0 failed. Longest gap 238 ms.'
              : 'The issuer in use is issuer 1, 20 days old.',
        at: now,
        points: 0,
        evidence: task.mode === 'invariant' ? [sampleTraffic(now)] : [],
      },
    }));
    return {
      view: {
        lab,
        title: definition.title,
        state: 'ready',
        driver: 'embedded',
        driverWhy: 'no Docker needed',
        steps: [
          { step: 'cluster', title: 'Creating the cluster', state: 'done', at: now - 60, tookMs: 82 },
          { step: 'mesh', title: 'Installing the mesh', state: 'done', at: now - 20, tookMs: 38 },
          { step: 'lab', title: 'Setting up the lab', state: 'done', at: now, tookMs: 20 },
        ],
        tasks,
        points: { got: 0, of: 8 },
        createdAt: now,
        endsAt: now + 2 * 3_600_000,
        clockAheadMs: 0,
        clockMovable: false,
      },
      files: [
        {
          path: 'policy.yaml',
          content:
            'apiVersion: policy.linkerd.io/v1beta3\nkind: Server\nmetadata:\n  name: api-http\n  namespace: shop\nspec:\n  podSelector:\n    matchLabels:\n      app: api # the pods\n  port: http\n',
          version: 1,
        },
        { path: 'ca.crt', content: '-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n', version: 1 },
      ],
      on(message, session) {
        const at = Date.now();
        switch (message.type) {
          case 'terminal.open':
            return session.print(
              message.terminal,
              `Your cluster is ready. \x1b[2mType kubectl get pods -A\x1b[0m\r\n${PROMPT}`,
            );
          case 'terminal.close':
            session.scrollback.delete(message.terminal);
            return session.tell({ type: 'terminal.closed', terminal: message.terminal });
          case 'terminal.input':
            return type(session, message.terminal, message.data, lines);
          case 'hint.next': {
            const task = session.script.view.tasks.find(({ id }) => id === message.task)!;
            return session.task(message.task, {
              hintsShown: [...task.hintsShown, `Hint number ${task.hintsShown.length + 1}.`],
            });
          }
          case 'solution.show':
            return session.tell({
              type: 'solution',
              markdown: 'The **anchor** stays.\n\n1. Make an issuer with `step`.\n2. Hand it over.',
              script: 'step certificate create …',
            });
          case 'views.watch':
            if (message.views.includes('certificates'))
              session.tell({ type: 'view.certificates', view: sampleCertificates(at) });
            if (message.views.includes('policy'))
              session.tell({
                type: 'view.policy',
                matrices: [{ task: tasks.at(-2)?.id ?? '', matrix: sampleMatrix(at) }],
              });
            if (message.observe.length > 0)
              session.tell({ type: 'view.observed', values: message.observe.map((one) => sampleValue(one, at)) });
            if (message.views.includes('traffic')) session.tell({ type: 'view.traffic', traffic: sampleTraffic(at) });
            if (message.views.includes('events'))
              session.tell({
                type: 'view.events',
                events: [
                  event(
                    at - 36_000,
                    'linkerd',
                    'Deployment/linkerd-identity',
                    'IssuerUpdated',
                    'Updated identity issuer',
                  ),
                  event(
                    at - 90_000,
                    'shop',
                    'Pod/api-7d9f5b8c6-k2xwv',
                    'Unhealthy',
                    'Readiness probe failed: HTTP probe failed with statuscode: 403',
                    true,
                  ),
                ],
              });
            return;
          case 'session.reset':
            session.scrollback.clear();
            return session.become({ state: 'ready', createdAt: at });
          case 'session.extend':
            return session.become({ endsAt: at + 2 * 3_600_000 });
          case 'session.end':
            return session.become({ state: 'ended' });
        }
      },
    };
  };
}

/** A shell of one command: it echoes, and `pass <task>` and `edit` do what they say. */
function type(session: FakeSession, terminal: string, data: string, lines: Map<string, string>): void {
  for (const key of data.replaceAll(/\x1b\[20[01]~/g, '')) {
    if (key !== '\r') {
      lines.set(terminal, (lines.get(terminal) ?? '') + key);
      session.print(terminal, key === '\n' ? '\r\n' : key);
      continue;
    }
    const line = lines.get(terminal) ?? '';
    lines.set(terminal, '');
    const [command, task] = line.trim().split(/\s+/);
    session.print(terminal, '\r\n');
    if (command === 'pass' && task) {
      const { view } = session.script;
      const said = 'Issuer 2 is in use, 14 s old.';
      view.points.got += 1;
      session.task(task, { verdict: { task, state: 'passed', said, at: Date.now(), points: 1, evidence: [] } });
    } else if (command === 'edit') {
      session.tell({
        type: 'edit',
        id: 'edit-1',
        path: '/tmp/kubectl-edit.yaml',
        content: 'kind: Service\napiVersion: v1\n',
      });
    } else if (line.trim() !== '') session.print(terminal, `you typed: ${line}\r\n`);
    session.print(terminal, PROMPT);
  }
}
