import type { DriverName } from '#cluster/driver.ts';
import type { KindSettings } from '#cluster/kind/settings.ts';
import { clusterNames } from '#schema/cluster-names.ts';
import type { SessionState, SessionView, StepView, TaskView } from '#schema/protocol.ts';
import type { LoadedLab } from './lab-source.ts';

/** Which driver, why, and with which settings. */
export interface ChosenDriver {
  name: DriverName;
  why: string;
  kind?: KindSettings;
}

/** What pages are told of a session is made of this. */
export interface SessionParts {
  lab: LoadedLab;
  state: SessionState;
  driver: ChosenDriver;
  choices: DriverName[];
  steps: StepView[];
  /** Empty until the worker has told of them. */
  tasks: TaskView[];
  createdAt: number;
  endsAt: number;
  aheadMs: number;
  rebuilt: string | undefined;
  queue: SessionView['queue'];
  error: SessionView['error'];
}

/** A session as its pages see it. */
export function viewOf(o: SessionParts): SessionView {
  const { id, definition } = o.lab;
  const { cluster } = definition;
  const got = o.tasks.filter((t) => t.verdict?.state === 'passed').reduce((sum, t) => sum + t.points, 0);
  const of = definition.tasks.reduce((sum, t) => sum + t.points, 0);
  return {
    lab: id,
    title: definition.title,
    state: o.state,
    driver: o.driver.name,
    driverWhy: o.driver.why,
    ...(o.choices.length > 1 ? { choices: o.choices } : {}),
    steps: o.steps,
    tasks: o.tasks.length > 0 ? o.tasks : plainTasks(o.lab),
    points: { got, of },
    createdAt: o.createdAt,
    endsAt: o.endsAt,
    clockAheadMs: o.aheadMs,
    ...(cluster.others.length > 0 ? { clusters: clusterNames(cluster) } : {}),
    clockMovable: cluster.clock === 'movable' && o.driver.name === 'embedded',
    ...(o.rebuilt ? { rebuilt: o.rebuilt } : {}),
    ...(o.queue ? { queue: o.queue } : {}),
    ...(o.error ? { error: o.error } : {}),
  };
}

function plainTasks(lab: LoadedLab): TaskView[] {
  return lab.definition.tasks.map((task) => ({
    id: task.id,
    title: task.title,
    points: task.points,
    mode: task.mode,
    needs: task.needs,
    hintsTotal: task.hints.length,
    hintsShown: [],
  }));
}
