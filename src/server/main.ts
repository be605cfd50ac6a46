import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { WallClock } from '#base/clock.ts';
import { AcademyError } from '#base/errors.ts';
import { createLog } from '#base/log.ts';
import type { Drivers } from './drivers.ts';
import { createApp } from './http/app.ts';
import type { Preview } from './http/preview.ts';
import { createKubeListener } from './kube-api.ts';
import { startHousekeeping } from './sessions/kind-housekeeping.ts';
import { LabSource } from './sessions/lab-source.ts';
import { SessionRegistry } from './sessions/registry.ts';
import { keepHeapsSmall } from './sessions/small-heaps.ts';
import { DEFAULT_PORT, type Settings } from './settings.ts';
import { Store } from './store/store.ts';
import { listenerCertificate } from './tls.ts';
import { createPages } from './ws/pages.ts';

export interface ServerParts {
  settings: Settings;
  version: string;
  drivers: Drivers;
  siteDir: string;
  labsDir: string;
  workerEntry: URL;
  warmWorkers?: number;
  /** For authors: tells open pages of changes. */
  preview?: Preview;
}

export interface RunningServer {
  /** Where a browser opens the academy. */
  url: string;
  /** Where kubectl finds the clusters, without the session's path. */
  apiUrl: string;
  sessions: SessionRegistry;
  /** Labs are read again when they are next asked for; sessions that run keep theirs. */
  forgetLabs(): void;
  /** Saves every session and stops. */
  close(): Promise<void>;
}

/** The first port tried for the Kubernetes listener. */
const API_PORT = 6473;

/** Puts the server together and starts listening. Rejects with `server/port` when a demanded port is taken. */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const { settings } = parts;
  const clock = new WallClock();
  const log = createLog(settings.logLevel);
  const store = new Store(settings.dataDir);
  const labs = new LabSource(parts.labsDir);
  const tls = await listenerCertificate(settings.dataDir, settings.host, clock.now());

  const web = createServer();
  const webPort = await listen(web, settings.host, settings.port ?? DEFAULT_PORT, settings.port === undefined);

  const kube = createKubeListener({
    ...tls,
    route: (id) => sessions.route(id),
    routeByToken: (token) => sessions.routeByToken(token),
  });
  const apiPort = await listen(kube, settings.host, API_PORT, true);
  const apiUrl = `https://${urlHost(settings.host)}:${apiPort}`;

  keepHeapsSmall();
  const sessions = new SessionRegistry({
    settings,
    store,
    labs,
    clock,
    log,
    drivers: parts.drivers,
    workerEntry: parts.workerEntry,
    api: { url: apiUrl, ca: tls.certificate },
    ...(parts.warmWorkers === undefined ? {} : { warmWorkers: parts.warmWorkers }),
  });
  const guard = { host: settings.host, origins: settings.origins };
  const app = createApp({
    guard,
    version: parts.version,
    drivers: parts.drivers,
    labs,
    sessions,
    store,
    clock,
    log,
    siteDir: parts.siteDir,
    ...(parts.preview ? { preview: parts.preview } : {}),
  });
  const stopHousekeeping = parts.drivers.kind
    ? await startHousekeeping({
        kind: parts.drivers.kind,
        clock,
        log,
        keep: () => sessions.clusters(),
        pool: { size: settings.poolSize, mesh: settings.poolMesh },
      })
    : async () => {};
  web.on('request', getRequestListener(app.fetch));
  web.on('upgrade', createPages({ guard, store, sessions, log }));

  return {
    url: `http://${urlHost(settings.host)}:${webPort}/`,
    apiUrl,
    sessions,
    forgetLabs: () => labs.forget(),
    async close() {
      await stopHousekeeping();
      web.close();
      kube.close();
      web.closeAllConnections();
      kube.closeAllConnections();
      await sessions.close();
      store.close();
    },
  };
}

async function listen(server: Server, host: string, from: number, orNextFree: boolean): Promise<number> {
  for (let port = from; ; port++) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          resolve();
        });
      });
      return (server.address() as AddressInfo).port;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'EADDRINUSE' && orNextFree && port < from + 100) continue;
      throw new AcademyError('server/port', `The port ${port} on ${host} can't be used: ${code ?? String(error)}.`, {
        cause: error,
      });
    }
  }
}

/** A wildcard address is not one that a browser can open. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

export const builtSite = (root: string): string => join(root, '.academy', 'build', 'site');
