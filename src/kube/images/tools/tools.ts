import type { Command } from '#shell/command.ts';
import type { ContainerContext } from '../program.ts';
import { grpcurl } from './grpcurl.ts';
import { httpd } from './httpd.ts';
import { getent, nslookup } from './names.ts';
import { nc } from './nc.ts';
import { hostname, id, ifconfig, ip, ping, ps, whoami } from './self.ts';
import { wget } from './wget.ts';

/** The programs that know the container's network and itself. */
export function netTools(context: ContainerContext): Command[] {
  return [nslookup, getent, nc, wget, httpd, hostname, id, whoami, ps, ip, ifconfig, ping, grpcurl].map((make) =>
    make(context),
  );
}
