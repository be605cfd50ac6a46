import { isIP } from 'node:net';
import { type CertificateParts, readCertificate } from '#pki/structure.ts';
import { verifyChain } from '#pki/verify.ts';
import { handshake } from '../peer.ts';
import { StepError } from './flags.ts';
import { readBundle, type StepRun } from './world.ts';

const PORTS: Record<string, number> = { tcp: 443, tls: 443, https: 443, smtps: 465, ldaps: 636 };

/** The host and port of a URL; undefined for a file. */
export function remoteOf(name: string): { host: string; port: number } | undefined {
  const match = /^(tcp|tls|https|smtps|ldaps):\/\/(\[[^\]]+\]|[^:/?#]+)(?::(\d+))?/i.exec(name);
  if (!match) return undefined;
  return { host: match[2]!.replace(/^\[|\]$/g, ''), port: Number(match[3] ?? PORTS[match[1]!.toLowerCase()]) };
}

/** The chain that a server shows; it must verify against --roots unless --insecure was given. */
export async function peerCertificates(
  run: StepRun,
  { host, port }: { host: string; port: number },
): Promise<CertificateParts[]> {
  const { flags, options, context } = run;
  const serverName = flags.get('servername') || host;
  const anchors = flags.get('roots') ? await rootsOf(run, flags.get('roots')) : [];
  let chain: Uint8Array[];
  try {
    const { socket, chain: shown } = await handshake(
      options.dial,
      host,
      port,
      isIP(serverName) ? {} : { servername: serverName },
      context.signal,
    );
    socket.destroy();
    chain = shown;
  } catch (error) {
    context.signal.throwIfAborted();
    throw new StepError(`failed to connect: ${dialWords(error, host, port)}`);
  }
  if (!flags.bool('insecure')) {
    const result = verifyChain({ chain, anchors, at: options.clock.now(), anchorDates: 'check', usage: 'serverAuth' });
    if (!result.ok) throw new StepError(`failed to connect: tls: failed to verify certificate: ${result.message}`);
  }
  return chain.map((each) => readCertificate(each));
}

export function dialWords(error: unknown, host: string, port: number): string {
  const { code, message } = error as { code?: string; message: string };
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${host}: no such host`;
  if (code === 'ECONNREFUSED') return `dial tcp ${host}:${port}: connect: connection refused`;
  if (code === 'EHOSTUNREACH') return `dial tcp ${host}:${port}: connect: no route to host`;
  return message;
}

/** The certificates of a file, of a comma-separated list of files, or of every file in a folder. */
export async function rootsOf(run: StepRun, roots: string): Promise<Uint8Array[]> {
  const { fs, cwd } = run.context;
  const files: string[] = [];
  for (const name of roots.split(',')) {
    const path = fs.resolvePath(cwd, name.trim());
    const stat = await fs.stat(path).catch(() => undefined);
    if (stat?.isDirectory) files.push(...(await fs.readdir(path)).map((each) => `${path}/${each}`));
    else files.push(name.trim());
  }
  const found: Uint8Array[] = [];
  for (const file of files) found.push(...(await readBundle(run, file)).map(({ raw }) => raw));
  return found;
}
