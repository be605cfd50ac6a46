import { resolve } from 'node:path';
import { z } from 'zod';
import { AcademyError } from '#base/errors.ts';
import { DEFAULT_LENT_IMAGES, DEFAULT_NODE_IMAGE, DEFAULT_TOOLBOX_IMAGE } from '#cluster/kind/settings.ts';

const count = (fallback: number, min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);

const environment = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65535).optional(),
  ACADEMY_DATA: z.string().min(1).default('.academy/data'),
  ACADEMY_DRIVER: z.enum(['auto', 'embedded', 'kind']).default('auto'),
  /** Node image of kind clusters; it is never pulled. */
  ACADEMY_NODE_IMAGE: z.string().min(1).default(DEFAULT_NODE_IMAGE),
  /** Comma-separated repositories of the Docker Engine that any learner's pods may run; those of a lab are added to them. */
  ACADEMY_IMAGES: z.string().default(DEFAULT_LENT_IMAGES.join(',')),
  /** Comma-separated `image=other`: what pods of labs run on kind clusters in place of an image, such as one of a private registry. */
  ACADEMY_MIRRORS: z.string().default(''),
  /** Official linkerd program that renders the mesh of kind clusters; without it our own rendering is used. */
  ACADEMY_LINKERD_CLI: z.string().optional(),
  /** Image in which the terminals of kind clusters run, the image it is built on, and a folder of programs put into it. */
  ACADEMY_TOOLBOX_IMAGE: z.string().min(1).default(DEFAULT_TOOLBOX_IMAGE),
  ACADEMY_TOOLBOX_BASE: z.string().min(1).optional(),
  ACADEMY_TOOLBOX_TOOLS: z.string().min(1).optional(),
  /** Whether `npm start` builds that image when it is not here. */
  ACADEMY_TOOLBOX_BUILD: z.enum(['auto', 'never']).default('auto'),
  /** kind clusters kept ready and paused, and whether the mesh is in them. */
  ACADEMY_POOL: count(0, 0, 100),
  ACADEMY_POOL_MESH: z.enum(['linkerd', 'none']).default('linkerd'),
  ACADEMY_MAX_SESSIONS: count(200, 1, 10_000),
  ACADEMY_SESSION_MEMORY_MB: count(256, 64, 8192),
  ACADEMY_IDLE_MINUTES: z.coerce.number().min(0.05).max(10_080).default(60),
  ACADEMY_IDLE_WARNING_MINUTES: z.coerce.number().min(0.01).max(1_440).default(5),
  /** Comma-separated origins that may open WebSockets beside the server's own address (behind a proxy). */
  ACADEMY_ORIGINS: z.string().default(''),
  ACADEMY_LOG: z.enum(['debug', 'info', 'warn', 'error']).default('warn'),
});

export interface Settings {
  host: string;
  /** Undefined: the default port, or the next free one. */
  port: number | undefined;
  dataDir: string;
  driver: 'auto' | 'embedded' | 'kind';
  nodeImage: string;
  lentImages: string[];
  mirrors: Record<string, string>;
  linkerdCli: string | undefined;
  toolboxImage: string;
  toolboxBase: string | undefined;
  toolboxTools: string | undefined;
  toolboxBuild: 'auto' | 'never';
  poolSize: number;
  poolMesh: 'linkerd' | 'none';
  maxSessions: number;
  sessionMemoryMb: number;
  idleMs: number;
  idleWarningMs: number;
  origins: string[];
  logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** The port tried first when `PORT` is not set. */
export const DEFAULT_PORT = 4173;

/** Reads settings from the environment. Throws `settings/invalid` naming every variable that does not fit. */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new AcademyError('settings/invalid', `These settings do not fit. ${problems.join('; ')}`);
  }
  const e = parsed.data;
  return {
    host: e.HOST,
    port: e.PORT,
    dataDir: resolve(e.ACADEMY_DATA),
    driver: e.ACADEMY_DRIVER,
    nodeImage: e.ACADEMY_NODE_IMAGE,
    lentImages: e.ACADEMY_IMAGES.split(',')
      .map((name) => name.trim())
      .filter(Boolean),
    mirrors: mirrorsIn(e.ACADEMY_MIRRORS),
    linkerdCli: e.ACADEMY_LINKERD_CLI,
    toolboxImage: e.ACADEMY_TOOLBOX_IMAGE,
    toolboxBase: e.ACADEMY_TOOLBOX_BASE,
    toolboxTools: e.ACADEMY_TOOLBOX_TOOLS && resolve(e.ACADEMY_TOOLBOX_TOOLS),
    toolboxBuild: e.ACADEMY_TOOLBOX_BUILD,
    poolSize: e.ACADEMY_POOL,
    poolMesh: e.ACADEMY_POOL_MESH,
    maxSessions: e.ACADEMY_MAX_SESSIONS,
    sessionMemoryMb: e.ACADEMY_SESSION_MEMORY_MB,
    idleMs: e.ACADEMY_IDLE_MINUTES * 60_000,
    idleWarningMs: e.ACADEMY_IDLE_WARNING_MINUTES * 60_000,
    origins: e.ACADEMY_ORIGINS.split(',')
      .map((o) => o.trim())
      .filter(Boolean),
    logLevel: e.ACADEMY_LOG,
  };
}

function mirrorsIn(text: string): Record<string, string> {
  const mirrors: Record<string, string> = {};
  for (const pair of text.split(',').map((each) => each.trim())) {
    if (pair === '') continue;
    const [image, other, ...rest] = pair.split('=');
    if (!image || !other || rest.length > 0)
      throw new AcademyError(
        'settings/invalid',
        `These settings do not fit. ACADEMY_MIRRORS: ${pair} is not image=other`,
      );
    mirrors[image] = other;
  }
  return mirrors;
}

/** Settings with what a command's flags say of kind clusters. */
export const settingsWith = (flags: {
  'node-image'?: string | undefined;
  'linkerd-cli'?: string | undefined;
}): Settings =>
  readSettings({
    ...process.env,
    ...(flags['node-image'] ? { ACADEMY_NODE_IMAGE: flags['node-image'] } : {}),
    ...(flags['linkerd-cli'] ? { ACADEMY_LINKERD_CLI: flags['linkerd-cli'] } : {}),
  });
