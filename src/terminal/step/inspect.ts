import { writePem } from '#pki/pem.ts';
import type { CertificateParts, RequestParts } from '#pki/structure.ts';
import { expectArguments, invalidFlag, StepError, type StepVerb } from './flags.ts';
import { certificateJson, requestJson } from './json.ts';
import { peerCertificates, remoteOf } from './remote.ts';
import { certificateShort, requestShort } from './short.ts';
import { certificateText, requestText } from './text.ts';
import { certificatesIn, print, readBytes, requestIn, type StepRun } from './world.ts';

export const INSPECT: StepVerb = {
  path: 'certificate inspect',
  usage: '<crt-file>',
  summary: 'print certificate or CSR details in human readable format',
  flags: {
    bundle: 'all certificates of the file, not only the first',
    short: 'a few lines only',
    format: '=text, json or pem',
    roots: '=certificates to verify a server by',
    servername: '=the name to ask a server for',
    insecure: 'do not verify a server',
  },
};

/** `step certificate inspect`. */
export async function inspect(run: StepRun): Promise<number> {
  const { flags } = run;
  expectArguments(INSPECT, flags, 0, 1);
  const file = flags.args[0] ?? '-';
  const format = flags.get('format') || 'text';
  const short = flags.bool('short');
  if (!['text', 'json', 'pem'].includes(format)) throw invalidFlag('format', format, 'text, json, pem');
  if (short && format !== 'text') throw new StepError(`flag '--short' is incompatible with '--format ${format}'`);
  const remote = remoteOf(file);
  const found = remote ? await peerCertificates(run, remote) : await certificatesOrRequest(run, file);
  if (!Array.isArray(found)) await print(run, requestOutput(found, format, short));
  else await print(run, output(flags.bool('bundle') ? found : found.slice(0, 1), format, short));
  return 0;
}

/** What a file holds: certificates, or else a request. */
export async function certificatesOrRequest(run: StepRun, file: string): Promise<CertificateParts[] | RequestParts> {
  let bytes: Uint8Array;
  try {
    bytes = await readBytes(run, file);
  } catch (error) {
    if (error instanceof StepError) throw new StepError(`error reading file ${file}: ${error.message}`);
    throw error;
  }
  const found = certificatesIn(bytes) ?? requestIn(bytes);
  if (!found) throw new StepError(`file ${file} does not contain any valid CERTIFICATE or CERTIFICATE REQUEST blocks`);
  return found;
}

function output(certificates: CertificateParts[], format: string, short: boolean): string {
  if (format === 'pem') return certificates.map(({ raw }) => writePem('CERTIFICATE', raw)).join('');
  if (format === 'text') return certificates.map(short ? certificateShort : certificateText).join('');
  const json = certificates.map(certificateJson);
  return `${JSON.stringify(json.length === 1 ? json[0] : json, null, 2)}\n`;
}

function requestOutput(request: RequestParts, format: string, short: boolean): string {
  if (format === 'pem') return writePem('CERTIFICATE REQUEST', request.raw);
  if (format === 'json') return `${JSON.stringify(requestJson(request), null, 2)}\n`;
  return short ? requestShort(request) : requestText(request);
}
