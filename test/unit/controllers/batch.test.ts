import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSchedule, ScheduleError } from '#kube/api/cron.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { ControllerWorld, START } from './world.ts';

let world: ControllerWorld;
beforeEach(async () => {
  world = new ControllerWorld();
  await world.start();
});
afterEach(() => world.stop());

const podTemplate = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } };
const job = (spec: object = {}): KubeObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'once', namespace: 'shop' },
  spec: { template: podTemplate, ...spec },
});
const conditions = async (name = 'once') =>
  (((await world.status('jobs', name))['conditions'] ?? []) as { type: string; status: string; reason: string }[]).map(
    ({ type, status, reason }) => `${type}=${status} ${reason}`,
  );

describe('Job', () => {
  it('runs a pod to its end and says so', async () => {
    world.kubelet.ends = () => 'Succeeded';
    await world.apply(job());
    await world.until(
      () => conditions(),
      ['SuccessCriteriaMet=True CompletionsReached', 'Complete=True CompletionsReached'],
    );
    const status = await world.status('jobs', 'once');
    expect(status).toMatchObject({ succeeded: 1, ready: 0, terminating: 0, startTime: expect.any(String) });
    expect(status['completionTime']).toEqual(expect.any(String));
    expect(status['uncountedTerminatedPods']).toEqual({});
    // Its pods stay, without what kept them.
    await world.until(async () => (await world.list('pods')).map(({ metadata }) => metadata.finalizers ?? []), [[]]);
    await world.until(() => world.events('Completed'), ['Job completed']);
    expect((await world.events('SuccessfulCreate'))[0]).toMatch(/^Created pod: once-[a-z0-9]{5}$/);
  });

  it('keeps to its parallelism until all completions are there', async () => {
    await world.apply(job({ completions: 5, parallelism: 2 }));
    await world.until(async () => (await world.status('jobs', 'once'))['active'], 2);
    world.kubelet.ends = () => 'Succeeded';
    await world.kubelet.again();
    await world.until(async () => (await world.status('jobs', 'once'))['succeeded'], 5);
    expect((await world.list('pods')).length).toBe(5);
    await world.until(async () => (await conditions()).at(-1), 'Complete=True CompletionsReached');
  });

  it('tries failed pods again with growing pauses, up to its limit', async () => {
    world.kubelet.ends = () => 'Failed';
    await world.apply(job({ backoffLimit: 2 }));
    await world.until(async () => (await world.status('jobs', 'once'))['failed'], 1);
    expect((await world.list('pods')).length).toBe(1);
    await world.clock.advance(10_500);
    await world.until(async () => (await world.status('jobs', 'once'))['failed'], 2);
    await world.clock.advance(20_500);
    await world.until(
      () => conditions(),
      ['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded'],
    );
    await world.until(() => world.events('BackoffLimitExceeded'), ['Job has reached the specified backoff limit']);
  });

  it('is stopped by its deadline', async () => {
    await world.apply(job({ activeDeadlineSeconds: 30 }));
    await world.until(async () => (await world.status('jobs', 'once'))['active'], 1);
    await world.clock.advance(31_000);
    await world.until(async () => (await conditions()).at(-1), 'Failed=True DeadlineExceeded');
    expect(await world.names('pods')).toEqual([]);
  });

  it('waits while it is suspended', async () => {
    await world.apply(job({ suspend: true }));
    await world.until(() => conditions(), ['Suspended=True JobSuspended']);
    expect(await world.names('pods')).toEqual([]);
    world.kubelet.ends = () => 'Succeeded';
    await world.apply(job({ suspend: false }));
    await world.until(async () => (await conditions()).at(-1), 'Complete=True CompletionsReached');
  });

  it('numbers its pods when indexed', async () => {
    world.kubelet.ends = () => 'Succeeded';
    await world.apply(job({ completions: 3, parallelism: 3, completionMode: 'Indexed' }));
    await world.until(async () => (await world.status('jobs', 'once'))['completedIndexes'], '0-2');
    const [pod] = (await world.list('pods')).filter(({ metadata }) => metadata.name!.startsWith('once-2-'));
    expect(pod!.spec.hostname).toBe('once-2');
    expect(pod!.metadata.annotations).toMatchObject({ 'batch.kubernetes.io/job-completion-index': '2' });
  });

  it('goes by itself after its time to live, its pods with it', async () => {
    world.kubelet.ends = () => 'Succeeded';
    await world.apply(job({ ttlSecondsAfterFinished: 60 }));
    await world.until(async () => (await conditions()).at(-1), 'Complete=True CompletionsReached');
    await world.clock.advance(61_000);
    await world.until(() => world.names('jobs'), []);
    await world.until(() => world.names('pods'), []);
  });

  it('can be deleted while it runs', async () => {
    await world.apply(job());
    await world.until(async () => (await world.status('jobs', 'once'))['active'], 1);
    await world.client.delete(world.at('jobs'), 'once', { propagationPolicy: 'Background' });
    await world.until(() => world.names('pods'), []);
  });
});

const cron = (spec: object = {}): KubeObject => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'tick', namespace: 'shop' },
  spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: podTemplate } }, ...spec },
});

describe('CronJob', () => {
  it('makes Jobs by the clock of the cluster and keeps the last three', async () => {
    world.kubelet.ends = () => 'Succeeded';
    await world.apply(cron());
    await world.clock.advance(60_000);
    expect(await world.names('jobs')).toEqual([]);
    await world.clock.advance(4 * 60_000);
    const first = `tick-${Date.UTC(2026, 10, 24, 10, 5) / 60_000}`;
    await world.until(() => world.names('jobs'), [first]);
    expect((await world.get('jobs', first)).metadata.annotations).toEqual({
      'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-11-24T10:05:00Z',
    });
    await world.until(() => world.events('SawCompletedJob'), [`Saw completed job: ${first}, condition: Complete`]);
    for (let i = 0; i < 4; i++) {
      await world.clock.advance(5 * 60_000);
      await world.until(async () => (await world.status('cronjobs', 'tick'))['active'], undefined);
    }
    await world.until(async () => (await world.names('jobs')).length, 3);
    expect(await world.status('cronjobs', 'tick')).toMatchObject({
      lastScheduleTime: '2026-11-24T10:25:00Z',
      lastSuccessfulTime: expect.any(String),
    });
  });

  it('forbids or replaces what still runs', async () => {
    await world.apply(cron({ schedule: '* * * * *', concurrencyPolicy: 'Forbid' }));
    await world.clock.advance(60_000);
    await world.until(async () => (await world.names('jobs')).length, 1);
    const [first] = await world.names('jobs');
    await world.clock.advance(120_000);
    expect(await world.names('jobs')).toEqual([first]);
    await world.until(async () => (await world.events('JobAlreadyActive')).length > 0, true);
    await world.apply(cron({ schedule: '* * * * *', concurrencyPolicy: 'Replace' }));
    await world.until(async () => {
      const names = await world.names('jobs');
      return names.length === 1 && names[0] !== first;
    }, true);
  });

  it('does nothing while suspended', async () => {
    await world.apply(cron({ schedule: '* * * * *', suspend: true }));
    await world.clock.advance(180_000);
    expect(await world.names('jobs')).toEqual([]);
  });
});

describe('a schedule', () => {
  const next = (text: string, zone?: string) => new Date(parseSchedule(text, zone).next(START)!).toISOString();

  it.each([
    ['* * * * *', '2026-11-24T10:01:00.000Z'],
    ['*/15 * * * *', '2026-11-24T10:15:00.000Z'],
    ['5 4 * * *', '2026-11-25T04:05:00.000Z'],
    ['0 0 1 jan *', '2027-01-01T00:00:00.000Z'],
    ['30 9 * * mon-fri', '2026-11-25T09:30:00.000Z'],
    ['0 12 1 * sun', '2026-11-29T12:00:00.000Z'],
    ['@hourly', '2026-11-24T11:00:00.000Z'],
    ['@weekly', '2026-11-29T00:00:00.000Z'],
    ['@every 90s', '2026-11-24T10:02:00.000Z'],
    ['0 0 29 2 *', '2028-02-29T00:00:00.000Z'],
  ])('%s comes next at %s', (text, at) => expect(next(text)).toBe(at));

  it('follows a time zone', () => {
    expect(next('0 9 * * *', 'America/New_York')).toBe('2026-11-24T14:00:00.000Z');
  });

  it.each([
    ['every day', 'expected exactly 5 fields, found 2: [every day]'],
    ['61 * * * *', 'end of range (61) above maximum (59): 61'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['@sometimes', 'unrecognized descriptor: @sometimes'],
    ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
  ])('%s is refused', (text, message) => {
    expect(() => parseSchedule(text)).toThrow(new ScheduleError(message));
  });
});
