import { beforeAll, describe, expect, it } from 'vitest';
import { createLab, type Lab, pod } from './lab.ts';

describe('completion', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await createLab();
    const pods = { group: '', version: 'v1', resource: 'pods' };
    await lab.client.create({ ...pods, namespace: 'shop' }, pod('web-1', 'shop'));
    await lab.client.create({ ...pods, namespace: 'default' }, pod('alone', 'default'));
  });

  it.each([
    ['kubectl get', ['get']],
    ['kubectl ap', ['api-resources', 'api-versions', 'apply']],
    ['kubectl rollout re', ['restart', 'resume']],
    ['kubectl create c', ['clusterrole', 'clusterrolebinding', 'configmap', 'cronjob']],
    ['kubectl set i', ['image']],
    ['kubectl get deploym', ['deployments']],
    ['kubectl get po,svc,deploym', ['po,svc,deployments']],
    ['kubectl get pods ', ['alone']],
    ['kubectl -n shop get pods ', ['web-1']],
    ['kubectl get pods -n shop ', ['web-1']],
    ['kubectl get pods --namespace=shop w', ['web-1']],
    ['kubectl get -n s', ['shop']],
    ['kubectl get pods --namespace=s', ['--namespace=shop']],
    ['kubectl -n shop describe pod/', ['pod/web-1']],
    ['kubectl -n shop logs w', ['web-1']],
    ['kubectl -n shop logs web-1 -c ', ['main', 'setup']],
    ['kubectl -n shop exec deploy', ['deployment/']],
    ['kubectl get pods -o ya', ['yaml']],
    ['kubectl get pods --show-l', ['--show-labels']],
    ['kubectl config use-context ', ['lab']],
    ['kubectl delete ns s', ['shop']],
    ['kubectl exec alone -- l', []],
    ['kubectl get nothing ', []],
  ])('%s', async (line, expected) => {
    expect(await lab.complete(line)).toEqual(expected);
  });

  it('offers every flag of a command with what takes a value marked', async () => {
    const flags = await lab.complete('kubectl apply --');
    expect(flags).toContain('--filename=');
    expect(flags).toContain('--server-side');
    expect(flags).toContain('--namespace=');
  });
});
