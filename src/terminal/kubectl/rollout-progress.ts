import type { KubeObject } from '#kube/api/types.ts';
import { CliError } from './errors.ts';

interface Progress {
  text: string;
  done: boolean;
}

const going = (text: string): Progress => ({ text: `${text}\n`, done: false });
const ended = (text: string): Progress => ({ text: `${text}\n`, done: true });

/** Where a rollout stands (kubectl/pkg/polymorphichelpers/rollout_status.go). */
export function rolloutProgress(object: KubeObject): Progress {
  if (object.kind === 'Deployment') return deployment(object);
  if (object.kind === 'DaemonSet') return daemonSet(object);
  return statefulSet(object);
}

const isObserved = ({ metadata, status }: KubeObject): boolean =>
  (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0);

function deployment(object: KubeObject): Progress {
  const { spec, status = {} } = object;
  const name = JSON.stringify(object.metadata.name);
  if (!isObserved(object)) return going('Waiting for deployment spec update to be observed...');
  const progressing = status.conditions?.find((each: { type: string }) => each.type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') {
    throw new CliError(`deployment ${name} exceeded its progress deadline`);
  }
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const waiting = `Waiting for deployment ${name} rollout to finish:`;
  if (updatedReplicas < (spec.replicas ?? 1)) {
    return going(`${waiting} ${updatedReplicas} out of ${spec.replicas ?? 1} new replicas have been updated...`);
  }
  if (replicas > updatedReplicas)
    return going(`${waiting} ${replicas - updatedReplicas} old replicas are pending termination...`);
  if (availableReplicas < updatedReplicas) {
    return going(`${waiting} ${availableReplicas} of ${updatedReplicas} updated replicas are available...`);
  }
  return ended(`deployment ${name} successfully rolled out`);
}

function daemonSet(object: KubeObject): Progress {
  const { spec, status = {} } = object;
  const name = JSON.stringify(object.metadata.name);
  if ((spec.updateStrategy?.type ?? 'RollingUpdate') !== 'RollingUpdate') {
    throw new CliError('rollout status is only available for RollingUpdate strategy type');
  }
  if (!isObserved(object)) return going('Waiting for daemon set spec update to be observed...');
  const { desiredNumberScheduled = 0, updatedNumberScheduled = 0, numberAvailable = 0 } = status;
  const waiting = `Waiting for daemon set ${name} rollout to finish:`;
  if (updatedNumberScheduled < desiredNumberScheduled) {
    return going(`${waiting} ${updatedNumberScheduled} out of ${desiredNumberScheduled} new pods have been updated...`);
  }
  if (numberAvailable < desiredNumberScheduled) {
    return going(`${waiting} ${numberAvailable} of ${desiredNumberScheduled} updated pods are available...`);
  }
  return ended(`daemon set ${name} successfully rolled out`);
}

function statefulSet(object: KubeObject): Progress {
  const { spec, status = {} } = object;
  if ((spec.updateStrategy?.type ?? 'RollingUpdate') !== 'RollingUpdate') {
    throw new CliError('rollout status is only available for RollingUpdate strategy type');
  }
  if (!isObserved(object)) return going('Waiting for statefulset spec update to be observed...');
  const replicas = spec.replicas ?? 1;
  const { readyReplicas = 0, updatedReplicas = 0, updateRevision, currentRevision, currentReplicas = 0 } = status;
  if (readyReplicas < replicas) return going(`Waiting for ${replicas - readyReplicas} pods to be ready...`);
  const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  if (partition > 0) {
    if (updatedReplicas < replicas - partition) {
      return going(
        `Waiting for partitioned roll out to finish: ${updatedReplicas} out of ${replicas - partition} new pods have been updated...`,
      );
    }
    return ended(`partitioned roll out complete: ${updatedReplicas} new pods have been updated...`);
  }
  if (updateRevision !== currentRevision) {
    return going(
      `waiting for statefulset rolling update to complete ${updatedReplicas} pods at revision ${updateRevision}...`,
    );
  }
  return ended(`statefulset rolling update complete ${currentReplicas} pods at revision ${currentRevision}...`);
}
