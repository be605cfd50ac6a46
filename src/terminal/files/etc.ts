/** Name of the learner's machine, as the prompt shows it. */
export const hostname = 'academy';

/** Files that a program looks for on any Unix. */
export const ETC: Record<string, string> = {
  '/dev/null': '',
  '/etc/hosts': `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t${hostname}\n`,
  '/etc/hostname': `${hostname}\n`,
  '/etc/passwd':
    'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\nlearner:x:1000:1000::/home/learner:/bin/bash\n',
  '/etc/group': 'root:x:0:\nnogroup:x:65534:\nlearner:x:1000:\n',
  '/etc/shells': '/bin/bash\n/bin/sh\n',
  '/etc/os-release':
    'NAME="Mesh Academy"\nID=academy\nPRETTY_NAME="Mesh Academy lab terminal"\nHOME_URL="http://localhost/"\n',
};

/** What stands in /usr/bin for a program: there is no binary, and the file says so. */
export const programText = (name: string, summary?: string): string =>
  `${name}${summary ? `: ${summary}` : ''}\nThis program is part of the lab terminal; there is no file to run.\n`;
