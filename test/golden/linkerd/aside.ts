/** What differs from run to run: names of pods, addresses, ages, hashes, dates, and what stands for keys. */
const ASIDE: [RegExp, string][] = [
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\b(sha256:)?[0-9a-f]{64}\b/g, '<hash>'],
  [/-----BEGIN [\s\S]*?-----END [A-Z ]+-----/g, '<pem>'],
  [/\b[A-Za-z0-9+/]{120,}={0,2}/g, '<base64>'],
  [/\b(linkerd-(?:identity|destination|proxy-injector)|api)-[a-z0-9]{8,10}-[a-z0-9]{5}\b/g, '$1-<hash>-<pod>'],
  [/\b(linkerd-(?:identity|destination|proxy-injector)|api)-[a-z0-9]{8,10}\b/g, '$1-<hash>'],
  [/pod-template-hash=\w+/g, 'pod-template-hash=<hash>'],
  [/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-<suffix>'],
  [/\b(10\.\d+|172\.\d+)\.\d+\.\d+(:\d{5})?\b/g, '<ip>'],
  [/\b(academy-truth|again|academy)\b/g, '<node>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC/g, '<time>'],
  [/\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? \w{3} \d{4} \d\d:\d\d:\d\d (GMT|\+0000)/g, '<time>'],
  [/\b[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \d{4} UTC/g, '<time>'],
  [/^\[ *\d+\.\d+s\]/gm, '[<age>]'],
  [/(?<![\w.:-])\d+(m\d+s|h\d+m|s|m|h|d)(?![\w:-])/g, '<age>'],
  [/\b\d+ \(<age> ago\)/g, '0'],
  [/resourceVersion: "\d+"|Resource Version: +\d+/g, '<version>'],
  [/^I\d{4} .*warnings\.go.*\n/gm, ''],
  [/^-+$/gm, '--'],
  [/[ \t]+$/gm, ''],
  [/ +/g, ' '],
];

export const alike = (text: string): string => ASIDE.reduce((so, [pattern, word]) => so.replace(pattern, word), text);
