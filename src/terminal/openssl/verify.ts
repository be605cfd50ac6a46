import { buildChain } from './chain.ts';
import { nameText } from './names.ts';
import { OpensslError, type OptionTable, readOptions } from './options.ts';
import { loadCertificate, loadCertificates, type OpensslRun } from './world.ts';

const TABLE: OptionTable = {
  CAfile: 'value',
  trusted: 'value',
  untrusted: 'value',
  partial_chain: 'flag',
  attime: 'value',
  no_check_time: 'flag',
  purpose: 'value',
  verify_hostname: 'value',
  verify_ip: 'value',
  show_chain: 'flag',
  verbose: 'flag',
  nameopt: 'value',
  'no-CAfile': 'flag',
  'no-CApath': 'flag',
  x509_strict: 'flag',
  help: 'flag',
};
const REFUSED: Record<string, string> = {
  CApath: 'name the certificates with -CAfile',
  CRLfile: 'nothing publishes revocations',
  crl_check: 'nothing publishes revocations',
  crl_download: 'nothing publishes revocations',
};
const PURPOSES: Record<string, string | undefined> = {
  sslserver: '1.3.6.1.5.5.7.3.1',
  sslclient: '1.3.6.1.5.5.7.3.2',
  any: undefined,
};

/** `openssl verify`: at the cluster's time unless -attime says otherwise. */
export async function verify(run: OpensslRun): Promise<number> {
  const options = readOptions('verify', TABLE, run.args, REFUSED);
  const { stdout, stderr } = run.context;
  const trusted = [];
  for (const file of [...options.all('CAfile'), ...options.all('trusted')])
    trusted.push(...(await loadCertificates(run, file)));
  const untrusted = [];
  for (const file of options.all('untrusted'))
    untrusted.push(...(await loadCertificates(run, file, 'untrusted certificates')));
  const purposeName = options.get('purpose');
  if (purposeName !== undefined && !Object.hasOwn(PURPOSES, purposeName))
    throw new OpensslError(`verify: -purpose ${purposeName} is not available here: sslserver, sslclient and any are`);
  const attime = options.get('attime');
  if (attime !== undefined && !/^\d+$/.test(attime))
    throw new OpensslError(`verify: Can't parse "${attime}" as a number\nverify: Use -help for summary.`);
  const at = options.has('no_check_time')
    ? undefined
    : attime === undefined
      ? run.options.clock.now()
      : Number(attime) * 1000;
  const purpose = purposeName === undefined ? undefined : PURPOSES[purposeName];
  const hostname = options.get('verify_hostname');
  const ip = options.get('verify_ip');
  let code = 0;
  const files = options.rest.length > 0 ? options.rest : [undefined];
  for (const file of files) {
    const leaf = await loadCertificate(run, file, 'certificate file');
    const { chain, errors } = buildChain({
      leaf,
      trusted,
      untrusted,
      at,
      partial: options.has('partial_chain'),
      ...(purpose === undefined ? {} : { purpose }),
      ...(hostname === undefined ? {} : { hostname }),
      ...(ip === undefined ? {} : { ip }),
    });
    const name = file ?? 'stdin';
    for (const error of errors)
      await stderr.write(
        `${nameText(error.certificate.subject)}\nerror ${error.code} at ${error.depth} depth lookup: ${error.text}\n`,
      );
    if (errors.length > 0) {
      await stderr.write(`error ${name}: verification failed\n`);
      code = 2;
      continue;
    }
    await stdout.write(`${name}: OK\n`);
    if (!options.has('show_chain')) continue;
    await stdout.write('Chain:\n');
    for (const [depth, each] of chain.entries()) {
      const isUntrusted = untrusted.some((other) => Buffer.compare(other.raw, each.raw) === 0) || depth === 0;
      await stdout.write(`depth=${depth}: ${nameText(each.subject)}${isUntrusted ? ' (untrusted)' : ''}\n`);
    }
  }
  return code;
}
