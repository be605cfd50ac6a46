import type { Timings } from './connection.ts';

/** What `-w` can say about a transfer. */
export interface Summary {
  url: string;
  effectiveUrl: string;
  scheme: string;
  method: string;
  status: number;
  version: string;
  headers: [string, string][];
  requestSize: number;
  uploadSize: number;
  headerSize: number;
  bodySize: number;
  redirects: number;
  redirectUrl: string;
  redirectMs: number;
  connects: number;
  remoteIp: string;
  remotePort: number;
  localIp: string;
  localPort: number;
  verifyResult: number;
  exitCode: number;
  error: string;
  filename: string;
  timings: Timings;
}

const seconds = (ms: number) => (Math.max(0, ms) / 1000).toFixed(6);

function variables(s: Summary): Record<string, string> {
  const speed = (size: number) => String(s.timings.total > 0 ? Math.round((size / s.timings.total) * 1000) : 0);
  return {
    http_code: String(s.status).padStart(3, '0'),
    response_code: String(s.status).padStart(3, '0'),
    http_connect: '000',
    http_version: s.version || '0',
    content_type: s.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '',
    errormsg: s.error,
    exitcode: String(s.exitCode),
    filename_effective: s.filename,
    local_ip: s.localIp,
    local_port: String(s.localPort),
    method: s.method,
    num_connects: String(s.connects),
    num_headers: String(s.headers.length),
    num_redirects: String(s.redirects),
    redirect_url: s.redirectUrl,
    referer: '',
    remote_ip: s.remoteIp,
    remote_port: String(s.remotePort),
    scheme: s.scheme,
    size_download: String(s.bodySize),
    size_header: String(s.headerSize),
    size_request: String(s.requestSize),
    size_upload: String(s.uploadSize),
    speed_download: speed(s.bodySize),
    speed_upload: speed(s.uploadSize),
    ssl_verify_result: String(s.verifyResult),
    time_appconnect: seconds(s.timings.tls),
    time_connect: seconds(s.timings.connect),
    time_namelookup: seconds(s.timings.lookup),
    time_pretransfer: seconds(s.timings.pretransfer),
    time_redirect: seconds(s.redirectMs),
    time_starttransfer: seconds(s.timings.firstByte),
    time_total: seconds(s.timings.total),
    url: s.url,
    url_effective: s.effectiveUrl,
    urlnum: '0',
  };
}

/** Fills a `-w` format. Parts after `%{stderr}` go to stderr; an unknown variable is reported as curl does. */
export function writeOut(format: string, summary: Summary): { stdout: string; stderr: string } {
  const known = variables(summary);
  const result = { stdout: '', stderr: '' };
  let stream: 'stdout' | 'stderr' = 'stdout';
  const pattern = /%\{([^}]*)\}|%header\{([^}]*)\}|%%|\\([nrt\\])|[\s\S]/g;
  for (const [text, name, header, escaped] of format.matchAll(pattern)) {
    if (name === 'stderr' || name === 'stdout') stream = name;
    else if (name === 'onerror') {
      if (summary.exitCode === 0) return result;
    } else if (name === 'json') result[stream] += JSON.stringify(jsonOf(known));
    else if (name === 'header_json')
      result[stream] += JSON.stringify(
        Object.fromEntries(summary.headers.map(([key, value]) => [key.toLowerCase(), [value]])),
      );
    else if (name !== undefined) {
      if (Object.hasOwn(known, name)) result[stream] += known[name];
      else result.stderr += `curl: unknown --write-out variable: '${name}'\n`;
    } else if (header !== undefined)
      result[stream] += summary.headers.find(([key]) => key.toLowerCase() === header.toLowerCase())?.[1] ?? '';
    else if (escaped !== undefined) result[stream] += { n: '\n', r: '\r', t: '\t', '\\': '\\' }[escaped];
    else result[stream] += text === '%%' ? '%' : text;
  }
  return result;
}

function jsonOf(known: Record<string, string>): Record<string, string | number> {
  const isNumber = (name: string) =>
    /^(http_c|response|exit|num_|size_|speed_|ssl_|time_|local_port|remote_port|urlnum)/.test(name);
  return Object.fromEntries(
    Object.entries(known).map(([name, value]) => [name, isNumber(name) ? Number(value) : value]),
  );
}
