import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { secretId } from '#base/ids.ts';
import type { Cluster, ClusterDriver } from '#cluster/driver.ts';
import { clusterSettings } from '#schema/lab.ts';
import { kubeconfigFor } from '#server/http/kubeconfig.ts';
import { createKubeListener } from '#server/kube-api.ts';
import { listenerCertificate } from '#server/tls.ts';

export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/** A cluster served over TLS for programs of other processes, as `academy cluster up` serves it. */
export interface RunningCluster {
  cluster: Cluster;
  kubeconfig: string;
  folder: string;
  /** Runs a line in bash with the official kubectl first on the path. */
  bash(line: string, options?: { timeoutMs?: number; stdin?: string }): Promise<Answer>;
  close(): Promise<void>;
}

export async function runCluster(
  driver: ClusterDriver,
  kubectl: string,
  mesh: 'linkerd' | 'none' = 'none',
): Promise<RunningCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'academy-contract-'));
  const stopped = new AbortController();
  const cluster = await driver.create({
    id: 'contract',
    settings: clusterSettings.parse({ mesh }),
    onStep: () => {},
    signal: stopped.signal,
  });
  await cluster.ready;
  const token = secretId();
  const socketPath = join(folder, 'api.sock');
  await cluster.serveApi(socketPath, token);
  const certificate = await listenerCertificate(folder, '127.0.0.1', Date.now());
  const route = { socketPath, token };
  const listener = createKubeListener({
    ...certificate,
    route: () => route,
    routeByToken: (given) => (given === token ? route : undefined),
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const kubeconfig = join(folder, 'kubeconfig');
  const api = { url: `https://127.0.0.1:${port}/clusters/contract`, ca: certificate.certificate };
  writeFileSync(kubeconfig, kubeconfigFor('contract', { token, api }));
  const env = {
    PATH: `${dirname(kubectl)}${delimiter}${process.env['PATH']}`,
    HOME: folder,
    KUBECONFIG: kubeconfig,
    LANG: 'C',
    TZ: 'UTC',
  };
  return {
    cluster,
    kubeconfig,
    folder,
    bash: (line, { timeoutMs = 30_000, stdin = '' } = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn('bash', ['-c', line], { cwd: folder, env, timeout: timeoutMs });
        let [stdout, stderr] = ['', ''];
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          stdout += text;
        });
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          stderr += text;
        });
        child.stdin.on('error', () => {});
        child.stdin.end(stdin);
        child.on('error', reject);
        child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
      }),
    async close() {
      stopped.abort();
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
      await cluster.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
