const TEXT = 'awk base64 cat cut diff fold grep egrep fgrep head hexdump less more md5sum nl od paste rev sed';
const TEXT_MORE = 'seq sha256sum shuf sort split strings tac tail tee tr uniq wc xargs xxd expr';
const FILES = 'basename chmod chown cp date dd df dirname du echo false find ln ls mkdir mktemp mv printf pwd readlink';
const FILES_MORE =
  'realpath rm rmdir sleep stat sync tar test timeout touch true tty uname env printenv which yes gzip gunzip';
const PROCESSES = 'hostname id kill nproc ps top uptime watch whoami clear time';

const split = (...lists: string[]): string[] => lists.flatMap((list) => list.split(' '));

/** The applets of BusyBox that containers here have. */
export const BUSYBOX: readonly string[] = split(
  TEXT,
  TEXT_MORE,
  FILES,
  FILES_MORE,
  PROCESSES,
  'ifconfig ip nc nslookup ping wget getent',
);

/** What a Debian image has without further packages: no nslookup, no nc, no ip. */
export const DEBIAN: readonly string[] = split(
  TEXT,
  TEXT_MORE,
  FILES,
  FILES_MORE,
  'hostname id kill nproc uptime whoami clear getent',
);

/** /etc/passwd with root and the given lines. */
export function passwd(...lines: string[]): string {
  const all = ['root:x:0:0:root:/root:/bin/sh', ...lines, 'nobody:x:65534:65534:nobody:/:/sbin/nologin'];
  return `${all.join('\n')}\n`;
}
