import { serveStatic } from '@hono/node-server/serve-static';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { compress } from 'hono/compress';
import { getCookie, setCookie } from 'hono/cookie';
import type { Clock } from '#base/clock.ts';
import { AcademyError, ERRORS, messageOf } from '#base/errors.ts';
import { secretId } from '#base/ids.ts';
import type { Log } from '#base/log.ts';
import type { DriverName } from '#cluster/driver.ts';
import type { AcademyInfo, ApiErrorBody, LabProgress } from '#schema/protocol.ts';
import type { Drivers } from '../drivers.ts';
import type { LabSource } from '../sessions/lab-source.ts';
import type { SessionRegistry } from '../sessions/registry.ts';
import type { Store } from '../store/store.ts';
import { checkOrigin, type GuardOptions, SECURITY_HEADERS } from './guard.ts';
import { kubeconfigOfLab } from './kubeconfig.ts';
import type { Preview } from './preview.ts';
import { tarOf } from './tar.ts';

export const LEARNER_COOKIE = 'academy_learner';
const HALF_A_YEAR_S = 182 * 86_400;

export interface AppOptions {
  guard: GuardOptions;
  version: string;
  drivers: Drivers;
  labs: LabSource;
  sessions: SessionRegistry;
  store: Store;
  clock: Clock;
  log: Log;
  /** The built site. */
  siteDir: string;
  /** Tells pages of changes, where an author works. */
  preview?: Preview;
}

/** REST and the static site, as `schema/protocol.ts` lists them. */
export function createApp(o: AppOptions): Hono {
  const app = new Hono();

  app.use(async (c, next) => {
    checkOrigin(o.guard, c.req.header('host'), c.req.method === 'GET' ? undefined : c.req.header('origin'));
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.header(name, value);
  });
  app.use(compress());
  app.use(
    '/api/*',
    bodyLimit({
      maxSize: 64 * 1024,
      onError: () => fail(new AcademyError('request/too-large', 'The request is too large.')),
    }),
  );
  app.use('/api/*', async (c, next) => {
    await next();
    c.header('cache-control', 'no-store');
  });

  o.preview?.addTo(app);

  app.get('/api/academy', async (c) =>
    c.json({
      version: o.version,
      driver: { name: o.drivers.chosen, why: o.drivers.why, available: o.drivers.available },
      labs: await o.labs.ids(),
    } satisfies AcademyInfo),
  );

  app.get('/api/progress', async (c) => c.json({ labs: await progressOf(o, learnerOf(o, c)) }));

  app.post('/api/labs/:lab/session', async (c) => {
    const learner = learnerOf(o, c) ?? newLearner(o, c);
    const session = await o.sessions.open(learner, c.req.param('lab'), driverWanted(c.req.query('driver')));
    return c.json(session.view());
  });

  app.get('/api/labs/:lab/session', async (c) => c.json((await sessionOf(o, c)).view()));

  app.delete('/api/labs/:lab/session', async (c) => {
    await (await sessionOf(o, c)).end('ended');
    return c.body(null, 204);
  });

  app.get('/api/labs/:lab/kubeconfig', async (c) => {
    const session = await sessionOf(o, c);
    if (!session.access) throw new AcademyError('session/unknown', 'The cluster is not up yet.');
    c.header('content-disposition', `attachment; filename="${session.lab.id}.kubeconfig"`);
    return c.body(kubeconfigOfLab(session.lab, session.access, session.innerCa), 200, {
      'content-type': 'text/yaml; charset=utf-8',
    });
  });

  app.get('/api/labs/:lab/files.tar', async (c) => {
    const learner = learnerOf(o, c);
    const lab = c.req.param('lab');
    const files = learner ? o.store.files(learner, lab) : {};
    if (Object.keys(files).length === 0) throw new AcademyError('session/unknown', 'There are no files of yours here.');
    c.header('content-disposition', 'attachment; filename="files.tar"');
    return c.body(tarOf(files, o.clock.now()) as Uint8Array<ArrayBuffer>, 200, { 'content-type': 'application/x-tar' });
  });

  app.all('/api/*', () => fail(new AcademyError('request/not-found', 'There is nothing at this address.')));

  app.use(
    '/*',
    serveStatic({
      root: o.siteDir,
      onFound: (path, c) => {
        // Astro names everything under _astro by its content.
        const forever = /[/\\]_astro[/\\]/.test(path);
        c.header('cache-control', forever ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    }),
  );
  app.notFound(async (c) => {
    const page = await serveStatic({ root: o.siteDir, path: '404.html' })(c, async () => {});
    return page ? new Response(page.body, { status: 404, headers: page.headers }) : c.text('Not found', 404);
  });

  app.onError((error) => {
    if (error instanceof AcademyError) return fail(error);
    o.log.error('request failed', { message: messageOf(error) });
    return fail(new AcademyError('internal', 'Something went wrong here.'));
  });
  return app;
}

function driverWanted(value: string | undefined): DriverName | undefined {
  if (value === undefined || value === 'embedded' || value === 'kind') return value;
  throw new AcademyError('request/invalid', 'The driver is embedded or kind.');
}

function fail(error: AcademyError): Response {
  const body: { error: ApiErrorBody } = { error: { code: error.code, message: error.message, hint: error.hint } };
  return Response.json(body, { status: ERRORS[error.code].status, headers: SECURITY_HEADERS });
}

/** The learner a request belongs to: a known 128-bit id in the cookie, or nobody. */
export function learnerFromCookie(store: Store, value: string | undefined): string | undefined {
  return value && /^[A-Za-z0-9_-]{22}$/.test(value) && store.hasLearner(value) ? value : undefined;
}

const learnerOf = (o: AppOptions, c: Context): string | undefined =>
  learnerFromCookie(o.store, getCookie(c, LEARNER_COOKIE));

function newLearner(o: AppOptions, c: Context): string {
  const id = secretId();
  o.store.addLearner(id, o.clock.now());
  setCookie(c, LEARNER_COOKIE, id, {
    httpOnly: true,
    sameSite: 'Strict',
    path: '/',
    maxAge: HALF_A_YEAR_S,
    secure: new URL(c.req.url).protocol === 'https:',
  });
  return id;
}

async function sessionOf(o: AppOptions, c: Context) {
  const learner = learnerOf(o, c);
  const session = learner ? await o.sessions.find(learner, c.req.param('lab') ?? '') : undefined;
  if (!session) throw new AcademyError('session/unknown', 'You have no session in this lab.');
  return session;
}

async function progressOf(o: AppOptions, learner: string | undefined): Promise<Record<string, LabProgress>> {
  const labs: Record<string, LabProgress> = {};
  for (const row of learner ? o.store.progress(learner) : []) {
    const definition = await o.labs
      .load(row.lab)
      .then((lab) => lab.definition)
      .catch(() => undefined);
    if (!definition) continue;
    const of = definition.tasks.reduce((sum, task) => sum + task.points, 0);
    labs[row.lab] ??= { points: { got: 0, of }, passed: [] };
    const lab = labs[row.lab]!;
    lab.points.got += row.points;
    lab.passed.push(row.task);
    if (definition.tasks.every((task) => lab.passed.includes(task.id))) lab.completedAt = row.passedAt;
  }
  return labs;
}
