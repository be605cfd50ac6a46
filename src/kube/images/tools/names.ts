import { isIP } from 'node:net';
import type { Command } from '#shell/command.ts';
import type { ContainerContext } from '../program.ts';

/** The name server of the container's resolv.conf. */
export function nameServer(context: ContainerContext): string {
  const file = context.files.readFile('/etc/resolv.conf');
  return /^nameserver\s+(\S+)/m.exec(file ? Buffer.from(file).toString() : '')?.[1] ?? '10.96.0.10';
}

/** BusyBox's nslookup, for addresses. */
export const nslookup = (context: ContainerContext): Command => ({
  name: 'nslookup',
  async execute({ args, stdout, stderr }) {
    const names = args.filter((word) => !word.startsWith('-'));
    if (args.some((word) => word.startsWith('-type=') && !/=a$/i.test(word))) {
      await stderr.write('nslookup: only -type=a is served by this cluster\n');
      return 1;
    }
    const [name] = names;
    if (!name) {
      await stderr.write('Usage: nslookup HOST\n');
      return 1;
    }
    const server = nameServer(context);
    await stdout.write(`Server:\t\t${server}\nAddress:\t${server}:53\n\n`);
    try {
      const found = await context.net.resolve(name);
      for (const address of found) await stdout.write(`Name:\t${name}\nAddress: ${address}\n`);
      await stdout.write('\n');
      return 0;
    } catch {
      await stdout.write(`** server can't find ${name}: NXDOMAIN\n\n`);
      return 1;
    }
  },
});

export const getent = (context: ContainerContext): Command => ({
  name: 'getent',
  async execute({ args, stdout, stderr }) {
    const [database = '', ...keys] = args;
    if (!['hosts', 'ahosts', 'ahostsv4'].includes(database)) {
      await stderr.write(`Unknown database: ${database}\n`);
      return 1;
    }
    for (const key of keys) {
      const found = isIP(key) ? [key] : await context.net.resolve(key).catch(() => []);
      if (found.length === 0) return 2;
      for (const address of found) {
        await stdout.write(
          database === 'hosts' ? `${address.padEnd(15)} ${key}\n` : `${address.padEnd(15)} STREAM ${key}\n`,
        );
      }
    }
    return 0;
  },
});
