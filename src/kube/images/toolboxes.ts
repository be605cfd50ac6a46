const TEXT =
  'awk base64 cat comm cut diff egrep expand expr fgrep fold grep head less md5sum more nl od paste rev sed seq';
const TEXT_MORE = 'sha1sum sha256sum sort split strings tac tail tee tr uniq wc xargs yes';
const FILES =
  'basename chmod cp date dirname du env find gunzip gzip ln ls mkdir mktemp mv printenv readlink realpath rm';
const FILES_MORE = 'rmdir sleep stat sync tar timeout touch tty uname zcat';
const BUILT_IN = 'echo false kill printf pwd test true';
const PROCESSES = 'clear hostname id nohup ps watch whoami';

const split = (...lists: string[]): string[] => lists.flatMap((list) => list.split(' '));

const COMMON = split(TEXT, TEXT_MORE, FILES, FILES_MORE, BUILT_IN);

/** The applets of BusyBox that containers here have. */
export const BUSYBOX: readonly string[] = [
  ...COMMON,
  ...split(PROCESSES, 'ifconfig ip nc nslookup ping wget getent tree'),
];

/** What a Debian image has without further packages: no nslookup, no nc, no ip, no ps. */
export const DEBIAN: readonly string[] = [
  ...COMMON,
  ...split('clear hostname id nohup whoami getent nice setsid stdbuf'),
];

/** /etc/passwd with root and the given lines. */
export function passwd(...lines: string[]): string {
  const all = ['root:x:0:0:root:/root:/bin/sh', ...lines, 'nobody:x:65534:65534:nobody:/:/sbin/nologin'];
  return `${all.join('\n')}\n`;
}
