import { messageOf } from '#base/errors.ts';
import type { Command, CommandContext } from '#shell/command.ts';
import { ecparam, genpkey, genrsa, pkey } from './keys.ts';
import { DIGESTS, OpensslError } from './options.ts';
import { req } from './req.ts';
import { sClient } from './s-client.ts';
import { asn1parse, base64, dgst, rand, VERSION } from './small.ts';
import { verify } from './verify.ts';
import type { OpensslOptions, OpensslRun } from './world.ts';
import { x509 } from './x509.ts';

export type { OpensslOptions } from './world.ts';

type Run = (run: OpensslRun) => Promise<number>;

const COMMANDS: Record<string, [run: Run, summary: string]> = {
  asn1parse: [asn1parse, 'the structure of DER, an element a line'],
  base64: [base64, 'base64, also as `enc -base64`'],
  dgst: [dgst, 'digests of files: -sha256 and others; -sign and -verify'],
  ec: [pkey, 'read an EC key'],
  ecparam: [ecparam, '-name prime256v1 -genkey -noout'],
  enc: [base64, '-base64 only'],
  genpkey: [genpkey, '-algorithm EC -pkeyopt ec_paramgen_curve:P-256'],
  genrsa: [genrsa, 'an RSA key'],
  pkey: [pkey, 'read a key of any kind'],
  rand: [rand, '-hex or -base64 and a number of bytes'],
  req: [req, 'make and read requests; self-signed certificates with -x509'],
  rsa: [pkey, 'read an RSA key'],
  s_client: [sClient, 'a TLS connection to 127.0.0.1, e.g. to a port that kubectl forwards'],
  verify: [verify, 'verify certificates: -CAfile, -untrusted, -attime'],
  x509: [x509, 'read, print and sign certificates'],
};
const REFUSED: Record<string, string> = {
  ca: 'sign requests with `openssl x509 -req -CA`',
  crl: 'nothing publishes revocations here',
  ocsp: 'nothing publishes revocations here',
  pkcs12: 'PKCS#12 files are not made here; PEM is what Linkerd and Kubernetes read',
  s_server: 'a server runs in the cluster here, not in the terminal',
  speed: 'it would measure nothing of use here',
  cms: 'mail is not signed here',
  smime: 'mail is not signed here',
  passwd: 'there are no accounts here',
};

/** `openssl` for the lab terminal: certificates, keys and TLS clients, printed as OpenSSL 3.0 prints them. */
export function createOpenssl(options: OpensslOptions): Command {
  return {
    name: 'openssl',
    summary: 'read, make and try certificates',
    execute: (context) => execute(options, context),
    complete: async (words) => {
      const last = words.at(-1) ?? '';
      return words.length === 2
        ? [...Object.keys(COMMANDS), 'version'].filter((each) => each.startsWith(last)).sort()
        : [];
    },
  };
}

async function execute(options: OpensslOptions, context: CommandContext): Promise<number> {
  const { args, stdout, stderr, signal } = context;
  const [command = 'help', ...rest] = args;
  if (command === 'version' || command === '-v' || command === '--version') {
    await stdout.write(VERSION);
    return 0;
  }
  const found = Object.hasOwn(COMMANDS, command)
    ? COMMANDS[command]![0]
    : Object.hasOwn(DIGESTS, command)
      ? dgst
      : undefined;
  if (!found) {
    if (command === 'help' || command === 'list' || command === '-help' || command === '--help') {
      await stdout.write(help());
      return 0;
    }
    const reason = Object.hasOwn(REFUSED, command) ? `is not available here: ${REFUSED[command]}` : '';
    await stderr.write(
      reason ? `openssl ${command} ${reason}\n` : `Invalid command '${command}'; type "help" for a list.\n`,
    );
    return 1;
  }
  if (rest.includes('-help') || rest.includes('--help')) {
    await stdout.write(`openssl ${command}: ${COMMANDS[command]?.[1] ?? 'a digest of files'}\n`);
    return 0;
  }
  try {
    return await found({ command, args: rest, context, options });
  } catch (error) {
    signal.throwIfAborted();
    await stderr.write(`${messageOf(error)}\n`);
    return error instanceof OpensslError ? error.exitCode : 1;
  }
}

function help(): string {
  let text = 'OpenSSL in the lab terminal. Commands:\n\n';
  for (const [name, [, summary]] of Object.entries(COMMANDS)) text += `  ${name.padEnd(10)} ${summary}\n`;
  return `${text}  version    what this is\n`;
}
