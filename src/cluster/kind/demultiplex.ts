import { Duplex } from 'node:stream';

/** Length of a frame's header: stream type, three zero bytes, size (Engine API, "Attach to a container"). */
const HEADER = 8;
const STDERR = 2;

/**
 * The standard output of a hijacked stream without its frames, as a Duplex whose writes go to the process's input. The
 * reader's pace holds the Engine back. `onStderr` gets the other stream; without it that is dropped. Ends and errors are
 * passed on, which docker-modem's own demultiplexer does not do.
 */
export function demultiplex(source: Duplex, onStderr?: (chunk: Buffer) => void): Duplex {
  let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  const output = new Duplex({
    allowHalfOpen: true,
    read() {
      source.resume();
    },
    write(chunk, _encoding, done) {
      source.write(chunk, done);
    },
    final(done) {
      source.end();
      done();
    },
    destroy(error, done) {
      source.destroy();
      done(error);
    },
  });
  source.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER) {
      const type = rest[0]!;
      if (type > STDERR || rest[1] !== 0 || rest[2] !== 0 || rest[3] !== 0) {
        output.destroy(new Error('the Docker Engine sent a stream that is not framed as it should be'));
        return;
      }
      const size = rest.readUInt32BE(4);
      if (rest.length < HEADER + size) return;
      const body = rest.subarray(HEADER, HEADER + size);
      rest = rest.subarray(HEADER + size);
      if (type === STDERR) onStderr?.(body);
      else if (!output.push(body)) source.pause();
    }
  });
  source.once('end', () => output.push(null));
  source.once('error', (error) => output.destroy(error));
  source.once('close', () => {
    if (!output.readableEnded) output.push(null);
  });
  return output;
}
