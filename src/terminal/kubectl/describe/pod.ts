import type { KubeObject } from '#kube/api/types.ts';
import { rfc1123 } from '../instants.ts';
import { containerLines, seccomp } from './containers.ts';
import { tolerationLines } from './scheduling.ts';
import { volumeLines } from './volumes.ts';
import { header, labelsAndAnnotations, mapLines, type Writer } from './write.ts';

export function describePod(w: Writer, pod: KubeObject): void {
  const { spec, status = {}, metadata } = pod;
  header(w, pod);
  if (spec.priority !== undefined) w.line(0, `Priority:\t${spec.priority}`);
  if (spec.priorityClassName) w.line(0, `Priority Class Name:\t${spec.priorityClassName}`);
  if (spec.runtimeClassName) w.line(0, `Runtime Class Name:\t${spec.runtimeClassName}`);
  if (spec.serviceAccountName) w.line(0, `Service Account:\t${spec.serviceAccountName}`);
  w.line(0, `Node:\t${spec.nodeName ? `${spec.nodeName}/${status.hostIP ?? ''}` : '<none>'}`);
  if (status.startTime) w.line(0, `Start Time:\t${rfc1123(status.startTime)}`);
  labelsAndAnnotations(w, pod);
  if (metadata.deletionTimestamp) {
    w.line(0, `Status:\tTerminating (lasts <invalid>)`);
    w.line(0, `Termination Grace Period:\t${metadata.deletionGracePeriodSeconds ?? 0}s`);
  } else w.line(0, `Status:\t${status.phase ?? ''}`);
  if (status.reason) w.line(0, `Reason:\t${status.reason}`);
  if (status.message) w.line(0, `Message:\t${status.message}`);
  if (spec.securityContext?.seccompProfile)
    w.line(0, `SeccompProfile:\t${seccomp(spec.securityContext.seccompProfile)}`);
  w.line(0, `IP:\t${status.podIP ?? ''}`);
  const ips: { ip: string }[] = status.podIPs ?? [];
  w.line(0, ips.length > 0 ? 'IPs:' : 'IPs:\t<none>');
  for (const { ip } of ips) w.line(1, `IP:\t${ip}`);
  const owner = metadata.ownerReferences?.find((each) => each.controller);
  if (owner) w.line(0, `Controlled By:\t${owner.kind}/${owner.name}`);
  if (status.nominatedNodeName) w.line(0, `NominatedNodeName:\t${status.nominatedNodeName}`);
  if ((spec.initContainers ?? []).length > 0) {
    containerLines(w, 'Init Containers', spec.initContainers, status.initContainerStatuses ?? [], 0, pod);
  }
  containerLines(w, 'Containers', spec.containers ?? [], status.containerStatuses ?? [], 0, pod);
  if ((spec.ephemeralContainers ?? []).length > 0) {
    containerLines(
      w,
      'Ephemeral Containers',
      spec.ephemeralContainers,
      status.ephemeralContainerStatuses ?? [],
      0,
      pod,
    );
  }
  if ((spec.readinessGates ?? []).length > 0) {
    w.line(0, 'Readiness Gates:');
    w.line(1, 'Type\tStatus');
    for (const { conditionType } of spec.readinessGates) {
      const found = status.conditions?.find((each: { type: string }) => each.type === conditionType);
      w.line(1, `${conditionType} \t${found?.status ?? '<none>'} `);
    }
  }
  if ((status.conditions ?? []).length > 0) {
    w.line(0, 'Conditions:');
    w.line(1, 'Type\tStatus');
    for (const { type, status: value } of status.conditions) w.line(1, `${type} \t${value} `);
  }
  volumeLines(w, spec.volumes ?? [], 0);
  w.line(0, `QoS Class:\t${status.qosClass ?? 'BestEffort'}`);
  mapLines(w, 0, 'Node-Selectors', spec.nodeSelector);
  tolerationLines(w, 0, spec.tolerations ?? []);
}
