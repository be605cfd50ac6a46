import type { Command } from '#shell/command.ts';
import { processTable } from '../process-table.ts';
import type { ContainerContext } from '../program.ts';
import { userName } from '../user-name.ts';

export const hostname = (context: ContainerContext): Command => ({
  name: 'hostname',
  async execute({ args, stdout }) {
    const name = context.env['HOSTNAME'] ?? context.pod.name;
    await stdout.write(`${args.includes('-i') || args.includes('-I') ? context.pod.ip : name}\n`);
    return 0;
  },
});

export const id = (context: ContainerContext): Command => ({
  name: 'id',
  async execute({ args, stdout }) {
    const { uid, gid, groups } = context;
    const name = userName(context, uid);
    const shown = name ? `${uid}(${name})` : String(uid);
    const asked = args.join('').replaceAll('-', '');
    if (/g/.test(asked) && gid !== undefined) await stdout.write(`${gid}\n`);
    else if (/[ug]/.test(asked)) await stdout.write(`${asked.includes('n') ? (name ?? uid) : uid}\n`);
    else if (gid !== undefined) await stdout.write(`uid=${shown} gid=${gid} groups=${(groups ?? [gid]).join()}\n`);
    else await stdout.write(`uid=${shown} gid=${shown} groups=${shown}\n`);
    return 0;
  },
});

export const whoami = (context: ContainerContext): Command => ({
  name: 'whoami',
  async execute({ stdout, stderr }) {
    const name = userName(context, context.uid);
    if (name) await stdout.write(`${name}\n`);
    else await stderr.write(`whoami: unknown uid ${context.uid}\n`);
    return name ? 0 : 1;
  },
});

/** BusyBox's ps: what runs in this container. */
export const ps = (context: ContainerContext): Command => ({
  name: 'ps',
  async execute({ stdout }) {
    const user = userName(context, context.uid) ?? String(context.uid);
    const lines = ['PID   USER     TIME  COMMAND'];
    for (const { pid, command } of processTable(context).all())
      lines.push(`${String(pid).padStart(5)} ${user.slice(0, 8).padEnd(8)}  0:00 ${command}`);
    await stdout.write(`${lines.join('\n')}\n`);
    return 0;
  },
});

export const ip = (context: ContainerContext): Command => ({
  name: 'ip',
  async execute({ args, stdout, stderr }) {
    const [object = ''] = args.filter((word) => !word.startsWith('-'));
    const address = context.net.ip;
    if ('address'.startsWith(object) && object) {
      await stdout.write(
        `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000\n    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n2: eth0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP,M-DOWN> mtu 1500 qdisc noqueue\n    inet ${address}/24 brd ${address.replace(/\d+$/, '255')} scope global eth0\n       valid_lft forever preferred_lft forever\n`,
      );
      return 0;
    }
    if ('route'.startsWith(object) && object) {
      const gateway = address.replace(/\d+$/, '1');
      const net = address.replace(/\d+$/, '0');
      await stdout.write(
        `default via ${gateway} dev eth0 \n${net}/24 via ${gateway} dev eth0  src ${address} \n${gateway} dev eth0 scope link  src ${address} \n`,
      );
      return 0;
    }
    await stderr.write('ip: this container shows `ip address` and `ip route`\n');
    return 1;
  },
});

export const ifconfig = (context: ContainerContext): Command => ({
  name: 'ifconfig',
  async execute({ stdout }) {
    const address = context.net.ip;
    await stdout.write(
      `eth0      Link encap:Ethernet\n          inet addr:${address}  Bcast:${address.replace(/\d+$/, '255')}  Mask:255.255.255.0\n          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1\n\nlo        Link encap:Local Loopback\n          inet addr:127.0.0.1  Mask:255.0.0.0\n          UP LOOPBACK RUNNING  MTU:65536  Metric:1\n\n`,
    );
    return 0;
  },
});

/** The embedded network carries TCP only. */
export const ping = (_context: ContainerContext): Command => ({
  name: 'ping',
  async execute({ stderr }) {
    await stderr.write('ping: this cluster carries TCP only, no ICMP; try `nc -zv HOST PORT`\n');
    return 1;
  },
});
