import { describe, expect, it } from 'vitest';
import { defaultValues } from '#mesh/install/default-values.ts';
import { podMonitors } from '#mesh/install/pod-monitors.ts';

const named = (values: Parameters<typeof podMonitors>[1]) =>
  podMonitors('mesh', values).map(({ metadata }) => metadata.name);

describe('PodMonitors', () => {
  it('are rendered where they are asked for, one by one', () => {
    const values = defaultValues();
    expect(podMonitors('mesh', values)).toEqual([]);
    values['podMonitor'].enabled = true;
    expect(named(values)).toEqual(['linkerd-controller', 'linkerd-multicluster-controller', 'linkerd-proxy']);
    expect(podMonitors('mesh', values)[0]?.spec.namespaceSelector).toEqual({ matchNames: ['mesh', 'linkerd-viz'] });
    values['podMonitor'].controller.enabled = false;
    values['podMonitor'].serviceMirror.enabled = false;
    expect(named(values)).toEqual(['linkerd-proxy']);
  });
});
