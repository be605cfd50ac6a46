import { createKindDriver } from '#cluster/kind/driver.ts';
import { clusterSettings } from '#schema/lab.ts';
import { NODE_IMAGE } from './engine-here.ts';

/** Brings a cluster up and takes it down again, saying where it is, so that a test can kill it at any point. */
const [owner = '', id = ''] = process.argv.slice(2);
const say = (what: string) => process.stdout.write(`${what}\n`);
const cluster = await createKindDriver({ nodeImage: NODE_IMAGE, owner }).create({
  id,
  settings: clusterSettings.parse({ mesh: 'none' }),
  onStep: (step) => say(`${step.step} ${step.state}`),
  signal: new AbortController().signal,
});
say('up');
await cluster.serveApi(`${process.argv[4]}`, 'token');
say('served');
const gone = cluster.destroy();
say('destroying');
await gone;
say('gone');
