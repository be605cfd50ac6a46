import type { Command, CommandContext } from '../command.ts';
import { isBrokenPipe } from '../pipe.ts';
import { reasonOf } from '../run/errors.ts';
import type { CurlWorld } from './connection.ts';
import { CurlFailure, CurlUsage } from './failure.ts';
import { type CurlOptions, parseCurl } from './options.ts';
import { CURL_VERSION, dataBody } from './request.ts';
import { newSummary, type Sink, transfer } from './transfer.ts';
import { expandUrl, targetOf } from './url.ts';
import { type Summary, writeOut } from './writeout.ts';

export type { CurlWorld } from './connection.ts';

const HELP = `Usage: curl [options...] <url>
 -d, --data <data>           HTTP POST data
 -f, --fail                  Fail fast with no output on HTTP errors
 -H, --header <header>       Pass custom header(s) to server
 -i, --show-headers          Show response headers in output
 -I, --head                  Show document info only
 -k, --insecure              Allow insecure server connections
 -L, --location              Follow redirects
 -m, --max-time <seconds>    Maximum time allowed for transfer
 -o, --output <file>         Write to file instead of stdout
 -s, --silent                Silent mode
 -S, --show-error            Show error even when -s is used
 -u, --user <user:password>  Server user and password
 -v, --verbose               Make the operation more talkative
 -w, --write-out <format>    Output FORMAT after completion
 -X, --request <method>      Specify request method to use
     --cacert <file>         CA certificate to verify peer against
     --cert <certificate>    Client certificate file
     --connect-timeout <s>   Maximum time allowed to connect
     --fail-with-body        Fail on HTTP errors but save the body
     --http2-prior-knowledge Use HTTP/2 without HTTP/1.1 Upgrade
     --key <key>             Private key filename
     --resolve <host:port:addr> Provide custom address for a host
     --retry <num>           Retry request if transient problems occur
`;

/** curl for HTTP and HTTPS over the streams that `world` dials; messages and exit codes as of curl 8. */
export function createCurl(world: CurlWorld): Command {
  return {
    name: 'curl',
    summary: 'transfer a URL',
    execute: (context) => run(world, context),
  };
}

async function run(world: CurlWorld, context: CommandContext): Promise<number> {
  let options: CurlOptions;
  try {
    options = parseCurl(context.args);
    if (options.version) {
      await context.stdout.write(`curl ${CURL_VERSION}\nProtocols: http https\nFeatures: alt-svc HTTP2 SSL\n`);
      return 0;
    }
    if (options.help) {
      await context.stdout.write(HELP);
      return 0;
    }
    if (options.urls.length === 0) throw new CurlUsage('(2) no URL specified');
  } catch (error) {
    if (!(error instanceof CurlUsage)) throw error;
    await context.stderr.write(
      `curl: ${error.message}\ncurl: try 'curl --help' or 'curl --manual' for more information\n`,
    );
    return 2;
  }
  let data: Uint8Array | undefined;
  try {
    data = await dataBody(context, options);
  } catch (error) {
    return report(context, options, error);
  }
  const idle: NonNullable<CurlWorld['idle']> = new Map();
  try {
    return await all({ ...world, idle }, context, options, data);
  } finally {
    for (const { stream } of idle.values()) {
      stream.end();
      setImmediate(() => stream.destroy());
    }
  }
}

/** The URLs of a command, one after the other. */
async function all(
  world: CurlWorld,
  context: CommandContext,
  options: CurlOptions,
  data: Uint8Array | undefined,
): Promise<number> {
  let code = 0;
  let output = 0;
  for (const url of options.urls) {
    const target = options.outputs[output++] ?? (options.remoteNameAll ? { remoteName: true as const } : undefined);
    let urls: string[];
    try {
      urls = options.glob ? expandUrl(url) : [url];
    } catch (error) {
      code = await report(context, options, error);
      continue;
    }
    for (const each of urls) {
      code = await one(world, context, options, each, data, target);
      if (code !== 0 && options.failEarly) return code;
    }
  }
  return code;
}

async function report(context: CommandContext, options: CurlOptions, error: unknown): Promise<number> {
  if (!(error instanceof CurlFailure)) throw error;
  if (!options.silent || options.showError) await context.stderr.write(`curl: (${error.code}) ${error.message}\n`);
  return error.code;
}

/** Statuses that `--retry` takes for passing trouble. */
const PASSING = [408, 429, 500, 502, 503, 504];

async function one(
  world: CurlWorld,
  context: CommandContext,
  options: CurlOptions,
  url: string,
  data: Uint8Array | undefined,
  output: CurlOptions['outputs'][number] | undefined,
): Promise<number> {
  const started = context.clock.now();
  for (let attempt = 0; ; attempt++) {
    const summary = newSummary(url);
    let failure: CurlFailure | undefined;
    try {
      const sink = await openSink(context, options, url, output, summary);
      const headers = options.dumpHeader === undefined ? undefined : await fileSink(context, options.dumpHeader, false);
      await transfer(world, context, options, url, data, summary, sink, headers);
      await sink.close?.();
    } catch (error) {
      if (context.signal.aborted || isBrokenPipe(error) || !(error instanceof CurlFailure)) throw error;
      failure = error;
    }
    if (attempt < options.retries && isPassing(options, summary, failure)) {
      const waitMs = options.retryDelayMs ?? Math.min(2 ** attempt * 1000, 600_000);
      if (options.retryMaxMs === undefined || context.clock.now() - started + waitMs <= options.retryMaxMs) {
        if (!options.silent || options.showError) {
          if (failure) await context.stderr.write(`curl: (${failure.code}) ${failure.message}\n`);
          const why = failure
            ? failure.code === 28
              ? 'timeout'
              : failure.code === 7
                ? 'connection refused'
                : 'transient'
            : 'HTTP error';
          await context.stderr.write(
            `Warning: Problem: ${why}. Will retry in ${Math.round(waitMs / 1000)} second${waitMs >= 2000 ? 's' : ''}. ${options.retries - attempt} retr${options.retries - attempt === 1 ? 'y' : 'ies'} left.\n`,
          );
        }
        await context.clock.sleep(waitMs, context.signal);
        continue;
      }
    }
    const code = failure ? await report(context, options, failure) : 0;
    if (options.writeOut !== undefined) {
      summary.exitCode = code;
      summary.error = failure?.message.split('\n')[0] ?? '';
      const text = writeOut(await formatOf(context, options.writeOut), summary);
      if (text.stderr !== '') await context.stderr.write(text.stderr);
      if (text.stdout !== '') await context.stdout.write(text.stdout);
    }
    return code;
  }
}

function isPassing(options: CurlOptions, summary: Summary, failure: CurlFailure | undefined): boolean {
  if (options.retryAll && (failure !== undefined || (options.fail !== 'no' && summary.status >= 400))) return true;
  if (failure?.code === 7 && options.retryRefused) return true;
  if (failure?.code === 28) return true;
  return PASSING.includes(summary.status) && (failure === undefined || failure.code === 22);
}

async function formatOf(context: CommandContext, format: string): Promise<string> {
  if (!format.startsWith('@')) return format;
  return context.fs.readFile(context.fs.resolvePath(context.cwd, format.slice(1)));
}

interface ClosingSink extends Sink {
  close?(): Promise<void>;
}

/** The file is made with the first byte, as curl makes it; without a body it is made empty at the end. */
async function openSink(
  context: CommandContext,
  options: CurlOptions,
  url: string,
  output: CurlOptions['outputs'][number] | undefined,
  summary: Summary,
): Promise<ClosingSink> {
  if (output === undefined || output === '-') return context.stdout;
  let name: string;
  if (typeof output === 'string') name = output;
  else {
    name = targetOf(url).url.pathname.replace(/^.*\//, '');
    if (name === '') throw new CurlFailure(23, 'Remote filename has no length');
  }
  summary.filename = name;
  return fileSink(context, name, options.createDirectories);
}

async function fileSink(context: CommandContext, name: string, createDirectories: boolean): Promise<ClosingSink> {
  if (name === '-' || name === '/dev/stdout') return context.stdout;
  if (name === '/dev/stderr') return context.stderr;
  const path = context.fs.resolvePath(context.cwd, name);
  if (path === '/dev/null') return { write: () => Promise.resolve() };
  let isMade = false;
  const make = async () => {
    if (isMade) return;
    isMade = true;
    const directory = path.slice(0, path.lastIndexOf('/')) || '/';
    if (createDirectories) await context.fs.mkdir(directory, { recursive: true });
    try {
      if (!(await context.fs.exists(directory))) throw Object.assign(new Error(), { code: 'ENOENT' });
      await context.fs.writeFile(path, '');
    } catch (error) {
      await context.stderr.write(`Warning: Failed to open the file ${name}: ${reasonOf(error)}\n`);
      throw new CurlFailure(23, 'client returned ERROR on write, 0 was not 1');
    }
  };
  return {
    write: async (chunk) => {
      await make();
      await context.fs.appendFile(path, chunk);
    },
    close: make,
  };
}
