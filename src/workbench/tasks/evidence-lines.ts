import type { Evidence } from '#schema/evidence.ts';
import type { TaskView } from '#schema/protocol.ts';
import type { ViewName } from '../lab-store.ts';
import { duration, instant, several } from '../words.ts';

/** The view that draws a task's evidence, if one does. */
export function viewFor(task: TaskView): ViewName | undefined {
  for (const { type } of task.verdict?.evidence ?? []) {
    if (type === 'handshake' || type === 'bundle' || type === 'rotation') return 'certificates';
    if (type === 'matrix') return 'policy';
    if (type === 'traffic') return 'traffic';
    if (type === 'event') return 'events';
  }
  return undefined;
}

/** One line for each observation, with its figures. `now` is the cluster's clock. */
export function evidenceLines(evidence: readonly Evidence[], now: number): string[] {
  return evidence.flatMap((item) => linesOf(item, now));
}

function linesOf(item: Evidence, now: number): string[] {
  switch (item.type) {
    case 'handshake': {
      const [leaf] = item.chain;
      if (!leaf) return [`${item.namespace}/${item.pod}: ${item.failure ?? 'no handshake'}`];
      const signer = item.chain[1]?.label ?? leaf.issuer;
      const age = `issued ${duration(now - leaf.notBefore)} ago, ends ${instant(leaf.notAfter, now)}`;
      const verified = item.failure ? `does not verify: ${item.failure}` : 'verified';
      return [`${item.namespace}/${item.pod}: leaf signed by ${signer}, ${age}; ${verified}`];
    }
    case 'bundle': {
      const anchors = item.anchors.map((anchor) => anchor.label ?? anchor.subject);
      const issuer = item.issuer ? `; issuer in use: ${item.issuer.label ?? item.issuer.subject}` : '';
      return [`Trust bundle: ${anchors.join(', ') || 'empty'}${issuer}`];
    }
    case 'event':
      return [`${instant(item.at, now)} ${item.reason} on ${item.object}: ${item.message}`];
    case 'matrix': {
      const wrong = item.cells.filter((cell) => cell.expected && cell.expected !== cell.observed);
      const head = `${several(item.cells.length, 'request')} from ${several(item.clients.length, 'client')}, ${wrong.length} not as asked`;
      const names = new Map(item.routes.map((route) => [route.name, route]));
      return [
        head,
        ...wrong.map((cell) => {
          const route = names.get(cell.route);
          const what = route ? `${route.method} ${route.url}` : cell.route;
          const status = cell.status > 0 ? `status ${cell.status}` : (cell.detail ?? cell.observed);
          return `${cell.client}, ${what}: ${status}; asked for: ${cell.expected}`;
        }),
      ];
    }
    case 'traffic':
      return [
        `${several(item.total, 'request')} in ${duration(item.to - item.from)}, ${several(item.failed, 'failure')}, longest gap ${duration(item.longestGapMs)}`,
      ];
    case 'object':
      return [`${item.what}: ${item.value}`];
    case 'requests':
      return item.answers.map(
        ({ status, exit, count }) =>
          `${item.client}, ${item.url}: ${status > 0 ? `status ${status}` : `no answer (curl ${exit})`}, ${several(count, 'time')}`,
      );
    case 'figures':
      return item.figures.map(
        ({ name, value, unit }) => `${item.what}, ${name}: ${figure(value)}${unit ? ` ${unit}` : ''}`,
      );
    case 'shares':
      return item.backends.map(
        ({ name, count, share, low, high, expected }) =>
          `${name}: ${count} of ${item.total}, ${percent(share)} (${percent(low)} to ${percent(high)}); asked for: ${percent(expected)}`,
      );
    case 'rotation':
      return [
        ...item.stages.map(({ stage, state, at }) => `${stage}: ${state}${at ? `, ${instant(at, now)}` : ''}`),
        ...item.pods.map(
          ({ namespace, pod, issuer, anchor, trusts }) =>
            `${namespace}/${pod}: ${issuer ?? 'no certificate'}${anchor ? ` under ${anchor}` : ''}, trusts ${trusts.join(' and ')}`,
        ),
        item.removable.because,
      ];
    case 'checks':
      return item.lines.map(
        ({ result, description, message }) =>
          `${{ success: '√', warning: '‼', error: '×' }[result]} ${description}${message ? `: ${message}` : ''}`,
      );
    case 'text':
      return [`${item.what}${item.code ? ` (ended with ${item.code})` : ''}: ${item.text}`];
  }
}

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;
const figure = (value: number): string => String(Math.round(value * 1000) / 1000);
