import { rfc3339 } from '#base/rfc3339.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Process } from '#kube/images/program.ts';
import { Inbox } from '#shell/inbox.ts';
import type { ByteWriter } from '#shell/stdio.ts';
import type { ResolvedImage } from './image-store.ts';
import { LogBuffer } from './log-buffer.ts';
import type { TerminalDriver } from './tty.ts';

export type Spec = KubeObject['spec'];

export interface TerminatedState {
  exitCode: number;
  reason: string;
  message?: string;
  startedAt: number;
  finishedAt: number;
  containerId: string;
}

/** One container of a pod: what runs now, what ran before, and how it stands. */
export class Container {
  readonly spec: Spec;
  readonly isInit: boolean;
  readonly isSidecar: boolean;
  process: Process | undefined;
  log = new LogBuffer();
  previousLog: LogBuffer | undefined;
  waiting: { reason: string; message?: string } | undefined;
  image: ResolvedImage | undefined;
  uid = 0;
  gid = 0;
  groups = [0];
  startedAt = 0;
  containerId = '';
  terminated: TerminatedState | undefined;
  last: TerminatedState | undefined;
  restarts = 0;
  ready = false;
  /** Past its startup probe. */
  started = false;
  backoffMs = 0;
  stdin: AttachedInput | undefined;
  /** Of a container with `tty: true`: its main process's terminal, which attached clients share. */
  terminal: TerminalDriver | undefined;
  readonly attached = new Set<ByteWriter>();

  constructor(spec: Spec, isInit: boolean, waitingFor: 'PodInitializing' | 'ContainerCreating') {
    this.spec = spec;
    this.isInit = isInit;
    this.isSidecar = isInit && spec.restartPolicy === 'Always';
    this.waiting = { reason: waitingFor };
  }

  get name(): string {
    return this.spec.name;
  }
  get running(): boolean {
    return this.process !== undefined;
  }

  /** As `status.containerStatuses` shows it. */
  status(): object {
    const end = (t: TerminatedState) => ({
      containerID: t.containerId,
      exitCode: t.exitCode,
      finishedAt: rfc3339(t.finishedAt),
      ...(t.message ? { message: t.message } : {}),
      reason: t.reason,
      startedAt: rfc3339(t.startedAt),
    });
    const state = this.running
      ? { running: { startedAt: rfc3339(this.startedAt) } }
      : this.terminated
        ? { terminated: end(this.terminated) }
        : { waiting: this.waiting ?? { reason: 'ContainerCreating' } };
    const made = this.image && this.containerId;
    return {
      ...(made && this.spec.resources?.requests ? { allocatedResources: this.spec.resources.requests } : {}),
      ...(this.containerId ? { containerID: this.containerId } : {}),
      image: made ? this.image!.reference : this.spec.image,
      imageID: made ? this.image!.id : '',
      lastState: this.last ? { terminated: end(this.last) } : {},
      name: this.name,
      ready: this.ready,
      ...(made ? { resources: this.spec.resources ?? {} } : {}),
      restartCount: this.restarts,
      started: this.started,
      state,
      ...(this.running || (made && this.terminated)
        ? { user: { linux: { gid: this.gid, supplementalGroups: this.groups, uid: this.uid } } }
        : {}),
      ...(this.spec.volumeMounts?.length
        ? {
            volumeMounts: this.spec.volumeMounts.map(
              ({ mountPath, name, readOnly }: { mountPath: string; name: string; readOnly?: boolean }) => ({
                mountPath,
                name,
                ...(readOnly ? { readOnly: true, recursiveReadOnly: 'Disabled' } : {}),
              }),
            ),
          }
        : {}),
    };
  }
}

/** The standard input of a container's main process, fed by whoever attaches; what waits outlives its reader. */
export class AttachedInput extends Inbox {
  override cancel(): void {
    this.end();
  }
}

/** A port by number, or by the name a container gives it. */
export function portOf(spec: Spec, port: number | string): number | undefined {
  if (typeof port === 'number') return port;
  if (/^\d+$/.test(port)) return Number(port);
  return (spec.ports ?? []).find((candidate: { name?: string }) => candidate.name === port)?.containerPort;
}
