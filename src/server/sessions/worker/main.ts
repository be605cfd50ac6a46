import { parentPort } from 'node:worker_threads';
import { AcademyError, messageOf } from '#base/errors.ts';
import { loadParser } from '#shell/syntax/parse.ts';
import type { FromWorker, ToWorker } from '../channel.ts';
import { driverNamed } from './drivers.ts';
import { SessionRuntime } from './runtime.ts';
import { keepBuffersSmall } from './small-buffers.ts';

/** The entry of a session's worker thread: takes orders from the server, runs one session, reports. */
const port = parentPort;
if (!port) throw new Error('this file runs in a worker thread');
keepBuffersSmall();

const post = (message: FromWorker): void => port.postMessage(message);
let runtime: SessionRuntime | undefined;

const fail = (error: unknown): void => {
  const code = error instanceof AcademyError ? error.code : 'session/crashed';
  post({ type: 'failed', code, message: messageOf(error) });
};

port.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'start': {
      const started = new SessionRuntime(message, (told) => {
        // What a session says after another took its place is not about that one.
        if (runtime === started) post(told);
      });
      runtime = started;
      started.start().catch((error: unknown) => {
        if (runtime === started) fail(error);
      });
      return;
    }
    case 'client':
      runtime?.handle(message.message).catch((error: unknown) => {
        if (error instanceof AcademyError) {
          post({
            type: 'broadcast',
            message: { type: 'error', error: { code: error.code, message: error.message, hint: error.hint } },
          });
        } else fail(error);
      });
      return;
    case 'idle-warning':
      runtime?.warnIdle(message.text);
      return;
    case 'save':
      runtime?.save().catch(fail);
      return;
    case 'script':
      runtime?.runScript(message.script).then((result) => post({ type: 'script.done', ...result }), fail);
      return;
    case 'settle':
      runtime?.settled(message.atLeastMs, message.atMostMs).then(() => post({ type: 'settled' }), fail);
      return;
    case 'ping': {
      // The heap has its own cap; what lives outside it (buffers) is counted here and capped by the server.
      const { heapUsed, external } = process.memoryUsage();
      post({ type: 'pong', n: message.n, memoryMb: (heapUsed + external) / 1024 / 1024 });
      return;
    }
    case 'stop':
      void (runtime?.stop({ keep: message.keep }) ?? Promise.resolve())
        .catch(() => {})
        .then(() => {
          runtime = undefined;
          post({ type: 'stopped' });
          if (!message.stay) process.exit(0);
        });
  }
});

// A promise nobody waited for is a mistake of ours. It ends this session, with a name, and no other.
process.on('unhandledRejection', fail);
process.on('uncaughtException', fail);

// A waiting worker has its driver's code and the shell's parser loaded already, so that Start lab has only the cluster to make.
void Promise.all([driverNamed('embedded'), loadParser()]).then(() => post({ type: 'loaded' }), fail);
