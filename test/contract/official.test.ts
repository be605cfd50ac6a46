import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { officialHelm, officialKubectl, whyNoKubectl } from '../support/official-kubectl.ts';
import { type RunningCluster, runCluster } from './support/running.ts';

/** What the recordings lack, asked of the official kubectl 1.35 and Helm 4.1. */
describe.skipIf(whyNoKubectl !== undefined)(
  `official tools${whyNoKubectl ? ` (skipped: ${whyNoKubectl})` : ''}`,
  () => {
    let running: RunningCluster;
    /** The output of a line that must end with 0. */
    const ok = async (line: string, stdin?: string): Promise<string> => {
      const { code, stdout, stderr } = await running.bash(line, stdin === undefined ? {} : { stdin });
      expect(code, `${line}\n${stdout}${stderr}`).toBe(0);
      return stdout;
    };
    const apply = (manifest: string) => ok('kubectl apply -f -', manifest);

    beforeAll(async () => {
      running = await runCluster(createEmbeddedDriver(), officialKubectl());
      officialHelm();
      await ok('kubectl create namespace shop && kubectl config set-context --current --namespace shop');
      await ok('kubectl run tool --image=busybox:1.36 --command -- sleep 3600');
      await ok('kubectl create deployment web --image=hashicorp/http-echo:1.0 -- /http-echo -listen=:8080 -text=hi');
      await ok('kubectl wait --for=condition=Ready pod/tool --timeout=20s && kubectl rollout status deployment/web');
    }, 60_000);
    afterAll(() => running?.close());

    it('watches an object from its beginning to its end', async () => {
      const watching = running.bash('timeout 4 kubectl get configmap --watch-only -o name');
      const events = running.bash('timeout 4 kubectl get configmap --watch --output-watch-events');
      await ok('sleep 0.5; kubectl create configmap seen --from-literal=a=1; kubectl delete configmap seen');
      expect((await watching).stdout.split('\n').filter((line) => line === 'configmap/seen').length).toBeGreaterThan(0);
      expect((await events).stdout).toMatch(/ADDED +seen .*\n(MODIFIED +seen .*\n)*DELETED +seen /);
    });

    it('copies files into a container and out of it', async () => {
      mkdirSync(join(running.folder, 'in'), { recursive: true });
      writeFileSync(join(running.folder, 'in/a'), 'alpha\n');
      writeFileSync(join(running.folder, 'in/b'), Buffer.from([0, 255, 10, 13, 128]));
      await ok('kubectl cp in tool:/tmp/ && kubectl cp tool:/tmp/in out');
      expect(readFileSync(join(running.folder, 'out/a'), 'utf8')).toBe('alpha\n');
      expect([...readFileSync(join(running.folder, 'out/b'))]).toEqual([0, 255, 10, 13, 128]);
    });

    it('pipes into exec, and gives its exit code', async () => {
      expect(await ok('echo some input | kubectl exec -i tool -- tr a-z A-Z')).toBe('SOME INPUT\n');
      const { code, stderr } = await running.bash("kubectl exec tool -- sh -c 'echo no >&2; exit 9'");
      expect({ code, stderr }).toEqual({ code: 9, stderr: 'no\ncommand terminated with exit code 9\n' });
    });

    it('attaches to what runs, and runs a pod for one command', async () => {
      expect(
        await ok(
          "echo typed | kubectl run once --rm -i --restart=Never --image=busybox -- sh -c 'read x; echo got $x'",
        ),
      ).toContain('got typed\n');
      await ok("kubectl run talk --image=busybox --command -- sh -c 'while true; do echo again; sleep 0.1; done'");
      await ok('kubectl wait --for=condition=Ready pod/talk');
      expect((await running.bash('timeout 2 kubectl attach talk')).stdout).toContain('again\nagain\n');
      await ok('kubectl delete pod talk --now');
    });

    it('forwards a port, again and again', async () => {
      const line = `kubectl port-forward deployment/web :8080 > forwarded & pid=$!
      until grep -q Forwarding forwarded; do sleep 0.05; done
      port=$(sed -n 's/.*127.0.0.1:\\([0-9]*\\).*/\\1/p' forwarded | head -1)
      for i in 1 2 3; do exec 3<>/dev/tcp/127.0.0.1/$port; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; tail -1 <&3; exec 3>&-; done
      kill $pid`;
      expect(await ok(line)).toBe('hi\nhi\nhi\n');
    });

    it('follows logs until the container ends', async () => {
      await ok(
        "kubectl run brief --image=busybox --restart=Never -- sh -c 'for i in 1 2 3; do echo $i; sleep 0.2; done'",
      );
      await ok('kubectl wait --for=jsonpath={.status.phase}=Running pod/brief --timeout=5s');
      expect(await ok('kubectl logs -f brief')).toBe('1\n2\n3\n');
      expect(await ok('kubectl logs brief --tail=1 --timestamps')).toMatch(/^\d{4}-.*Z 3\n$/);
      await ok('kubectl wait --for=jsonpath={.status.phase}=Succeeded pod/brief');
    });

    it('serves, defaults, prunes, prints and validates a custom kind', async () => {
      await apply(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: cups.kitchen.example }
spec:
  group: kitchen.example
  scope: Namespaced
  names: { plural: cups, singular: cup, kind: Cup, shortNames: [cu] }
  versions:
    - name: v1
      served: true
      storage: true
      subresources: { status: {} }
      additionalPrinterColumns: [{ name: Size, type: string, jsonPath: .spec.size }]
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [owner]
              properties:
                size: { type: string, enum: [small, large], default: small }
                owner: { type: string }
            status: { type: object, x-kubernetes-preserve-unknown-fields: true }
`);
      await ok('kubectl wait --for=condition=Established crd/cups.kitchen.example --timeout=5s');
      const cup = (spec: string) =>
        `{apiVersion: kitchen.example/v1, kind: Cup, metadata: {name: mine}, spec: ${spec}}`;
      await apply(cup('{owner: me}'));
      expect(await ok('kubectl get cu')).toMatch(/NAME +SIZE\nmine +small\n/);
      expect(await ok('kubectl explain cup.spec.size')).toContain('FIELD: size <string>');
      const refused = async (spec: string) => (await running.bash('kubectl apply -f -', { stdin: cup(spec) })).stderr;
      expect(await refused('{owner: me, size: huge}')).toContain(
        'spec.size: Unsupported value: "huge": supported values: "small", "large"',
      );
      expect(await refused('{owner: me, colour: red}')).toContain('unknown field "spec.colour"');
      await ok('kubectl delete crd cups.kitchen.example');
      expect((await running.bash('kubectl get cups')).stderr).toContain('could not find the requested resource');
    });

    it('refuses what an admission webhook that can’t be reached must not let through', async () => {
      await apply(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: { name: nobody }
webhooks:
  - name: nobody.example.com
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Fail
    clientConfig: { service: { name: nobody, namespace: shop, path: / } }
    rules: [{ operations: [CREATE], apiGroups: [''], apiVersions: [v1], resources: [secrets] }]
`);
      const { code, stderr } = await running.bash('kubectl create secret generic s --from-literal=a=b');
      expect(code).toBe(1);
      expect(stderr).toContain('failed calling webhook "nobody.example.com"');
      await ok(
        'kubectl delete validatingwebhookconfiguration nobody && kubectl create secret generic s --from-literal=a=b',
      );
    });

    it('holds a service account to its role, by its own token', async () => {
      await ok('kubectl create serviceaccount robot && kubectl create role r --verb=get,list --resource=pods');
      await ok('kubectl create rolebinding r --role=r --serviceaccount=shop:robot');
      await ok('kubectl config set-credentials robot --token=$(kubectl create token robot)');
      expect(await ok('kubectl --user=robot auth whoami -o jsonpath={.status.userInfo.username}')).toBe(
        'system:serviceaccount:shop:robot',
      );
      await ok('kubectl --user=robot get pods');
      expect((await running.bash('kubectl --user=robot get secrets')).stderr).toContain(
        'User "system:serviceaccount:shop:robot" cannot list resource "secrets"',
      );
      expect((await running.bash('kubectl --token=nonsense get pods')).stderr).toContain('Unauthorized');
    });

    it('cordons, drains and uncordons its node', async () => {
      await ok('kubectl cordon academy && kubectl run waits --image=busybox --command -- sleep 100');
      expect(await ok('kubectl get nodes')).toContain('Ready,SchedulingDisabled');
      await ok('until kubectl get events | grep -q FailedScheduling; do sleep 0.1; done');
      await ok('kubectl uncordon academy && kubectl wait --for=condition=Ready pod/waits --timeout=10s');
      await ok('kubectl delete pod waits --now');
    });

    it('debugs with an ephemeral container', async () => {
      await ok('kubectl debug tool --image=busybox -c look -- sh -c "hostname"');
      await ok('until kubectl logs tool -c look 2>/dev/null | grep -q tool; do sleep 0.1; done');
    });

    it('installs, upgrades, rolls back and removes a Helm chart', async () => {
      const chart = join(running.folder, 'chart');
      mkdirSync(join(chart, 'templates'), { recursive: true });
      writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: demo\nversion: 0.1.0\n');
      writeFileSync(join(chart, 'values.yaml'), 'text: one\n');
      writeFileSync(
        join(chart, 'templates/web.yaml'),
        `apiVersion: apps/v1
kind: Deployment
metadata: { name: demo }
spec:
  selector: { matchLabels: { app: demo } }
  template:
    metadata: { labels: { app: demo } }
    spec: { containers: [{ name: web, image: "hashicorp/http-echo:1.0", args: ["-listen=:8080", "-text={{ .Values.text }}"] }] }
`,
      );
      await ok(
        'helm install demo ./chart --wait --timeout 20s && helm upgrade demo ./chart --set text=two --wait --timeout 20s',
      );
      expect(await ok('kubectl get deployment demo -o jsonpath={.spec.template.spec.containers[0].args[1]}')).toBe(
        '-text=two',
      );
      await ok('helm rollback demo 1 --wait --timeout 20s');
      expect(await ok('helm history demo -o json').then((text) => JSON.parse(text).length)).toBe(3);
      await ok('helm uninstall demo --wait');
      expect(await ok('kubectl get deployment demo --ignore-not-found')).toBe('');
    });
  },
);
