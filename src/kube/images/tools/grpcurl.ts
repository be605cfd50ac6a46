import { posix } from 'node:path';
import type { Root, Service, Type } from 'protobufjs';
import type { Command, CommandContext } from '#shell/command.ts';
import { GrpcClient } from '../grpc/client.ts';
import { CODES, GrpcFailure } from '../grpc/status.ts';
import type { ContainerContext } from '../program.ts';

interface Call {
  plaintext: boolean;
  data?: string;
  headers: Record<string, string>;
  protos: string[];
  importPaths: string[];
  maxTimeS?: number;
  emitDefaults: boolean;
  words: string[];
}

const VALUES = new Set([
  'd',
  'H',
  'rpc-header',
  'proto',
  'import-path',
  'max-time',
  'connect-timeout',
  'authority',
  'format',
]);
const FLAGS = new Set(['plaintext', 'emit-defaults', 'v', 'vv', 'insecure', 'help']);
/** Exit code of a call that ended with a status: 64 and the status. */
const STATUS_BASE = 64;

function read(args: string[]): Call | string {
  const call: Call = { plaintext: false, headers: {}, protos: [], importPaths: [], emitDefaults: false, words: [] };
  for (let i = 0; i < args.length; i++) {
    const [, name, inline] = /^--?([a-z-]+|H)(?:=(.*))?$/s.exec(args[i]!) ?? [];
    if (!name) {
      call.words.push(args[i]!);
      continue;
    }
    if (FLAGS.has(name)) {
      if (name === 'plaintext') call.plaintext = true;
      if (name === 'emit-defaults') call.emitDefaults = true;
      continue;
    }
    if (!VALUES.has(name)) return `flag provided but not defined: -${name}`;
    const value = inline ?? args[++i] ?? '';
    if (name === 'd') call.data = value;
    else if (name === 'H' || name === 'rpc-header') {
      const [key = '', content = ''] = value.split(/:\s*(.*)/s);
      call.headers[key.toLowerCase()] = content;
    } else if (name === 'authority') call.headers[':authority'] = value;
    else if (name === 'proto') call.protos.push(value);
    else if (name === 'import-path') call.importPaths.push(value);
    else if (name === 'max-time') call.maxTimeS = Number(value);
  }
  return call;
}

/** Reads .proto files and what they import from the container's files. */
async function loadProtos({ fs, cwd }: CommandContext, call: Call): Promise<Root> {
  const { default: protobuf } = await import('protobufjs');
  const root = new protobuf.Root();
  const folders = (call.importPaths.length > 0 ? call.importPaths : ['.']).map((path) => fs.resolvePath(cwd, path));
  const seen = new Set<string>();
  const load = async (name: string): Promise<void> => {
    if (seen.has(name)) return;
    seen.add(name);
    const common = protobuf.common.get(name);
    if (common) {
      root.addJSON(common.nested ?? {});
      return;
    }
    for (const folder of folders) {
      const path = posix.join(folder, name);
      if (!(await fs.exists(path))) continue;
      const parsed = protobuf.parse(await fs.readFile(path), root, { keepCase: false });
      for (const needed of [...(parsed.imports ?? []), ...(parsed.weakImports ?? [])]) await load(needed);
      return;
    }
    throw new Error(`could not parse given files: open ${name}: no such file or directory`);
  };
  for (const name of call.protos) await load(name);
  root.resolveAll();
  return root;
}

function servicesOf(root: Root): Service[] {
  const out: Service[] = [];
  const visit = (node: { nestedArray?: readonly unknown[] }) => {
    for (const child of node.nestedArray ?? []) {
      if (typeof child === 'object' && child !== null && 'methods' in child) out.push(child as Service);
      visit(child as { nestedArray?: readonly unknown[] });
    }
  };
  visit(root);
  return out;
}

const nameOf = (service: Service): string => service.fullName.replace(/^\./, '');

/**
 * grpcurl, with descriptions from .proto files. The servers of this cluster's sample images offer no reflection, as their
 * originals do not.
 */
export const grpcurl = (context: ContainerContext): Command => ({
  name: 'grpcurl',
  async execute(command) {
    const { args, stdout, stderr } = command;
    const fail = async (message: string, code = 1) => {
      await stderr.write(`${message}\n`);
      return code;
    };
    const call = read(args);
    if (typeof call === 'string') return fail(call, 2);
    const target = call.words[0]?.includes(':') ? call.words.shift() : undefined;
    const [verb = '', symbol] = call.words;
    if (!verb) return fail("Too few arguments.\nTry 'grpcurl -help' for more details.", 2);
    if (target && !call.plaintext)
      return fail(
        `Failed to dial target host ${JSON.stringify(target)}: TLS is not modelled by this grpcurl; use -plaintext`,
      );
    if (call.protos.length === 0) {
      const what = verb === 'list' ? 'Failed to list services' : `Error invoking method ${JSON.stringify(verb)}`;
      return fail(
        `${what}: server does not support the reflection API; give its description with -proto and -import-path`,
      );
    }
    let root: Root;
    try {
      root = await loadProtos(command, call);
    } catch (error) {
      return fail(`Failed to process proto source files.: ${(error as Error).message}`);
    }
    const services = servicesOf(root);
    if (verb === 'list') {
      const wanted = services.find((service) => nameOf(service) === symbol);
      if (symbol && !wanted)
        return fail(`Failed to list methods for service ${JSON.stringify(symbol)}: Symbol not found: ${symbol}`);
      const names = wanted
        ? wanted.methodsArray.map((method) => `${nameOf(wanted)}.${method.name}`)
        : services.map(nameOf).sort();
      await stdout.write(names.map((name) => `${name}\n`).join(''));
      return 0;
    }
    if (!target) return fail('No host:port specified and no protoset or proto sources given to describe.', 2);
    const [, serviceName = '', methodName = ''] = /^(.*)[./]([^./]+)$/.exec(verb) ?? [];
    const service = services.find((candidate) => nameOf(candidate) === serviceName);
    const method = service?.methods[methodName];
    if (!service || !method) {
      const why = service
        ? `service ${JSON.stringify(serviceName)} does not include a method named ${JSON.stringify(methodName)}`
        : `target server does not expose service ${JSON.stringify(serviceName)}`;
      return fail(`Error invoking method ${JSON.stringify(verb)}: ${why}`);
    }
    return invoke(context, command, call, target, `/${nameOf(service)}/${methodName}`, {
      request: method.resolvedRequestType!,
      response: method.resolvedResponseType!,
    });
  },
});

async function invoke(
  context: ContainerContext,
  { stdin, stdout, stderr, signal }: CommandContext,
  call: Call,
  target: string,
  path: string,
  types: { request: Type; response: Type },
): Promise<number> {
  let data = call.data ?? '{}';
  if (data === '@') {
    data = '';
    for await (const chunk of stdin) data += Buffer.from(chunk).toString();
  }
  let message: Uint8Array;
  try {
    message = types.request.encode(types.request.fromObject(JSON.parse(data || '{}'))).finish();
  } catch (error) {
    await stderr.write(
      `Error invoking method ${JSON.stringify(path.slice(1))}: error getting request data: ${(error as Error).message}\n`,
    );
    return 1;
  }
  const client = new GrpcClient(context, target);
  const late = call.maxTimeS === undefined ? undefined : AbortSignal.timeout(call.maxTimeS * 1_000);
  try {
    const headers = { 'user-agent': 'grpcurl/v1.9.3 grpc-go/1.68.0', ...call.headers };
    const bytes = await client.callBytes(path, message, {
      headers,
      signal: late ? AbortSignal.any([signal, late]) : signal,
    });
    const options = { longs: String, enums: String, bytes: String, defaults: call.emitDefaults };
    const answer = types.response.toObject(types.response.decode(bytes), options);
    await stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    return 0;
  } catch (error) {
    if (late?.aborted && !signal.aborted) {
      await stderr.write('ERROR:\n  Code: DeadlineExceeded\n  Message: context deadline exceeded\n');
      return STATUS_BASE + 4;
    }
    if (!(error instanceof GrpcFailure)) throw error;
    await stderr.write(`ERROR:\n  Code: ${CODES[error.code] ?? error.code}\n  Message: ${error.detail}\n`);
    return STATUS_BASE + error.code;
  } finally {
    client.close();
  }
}
