import { UsageError } from '../flags.ts';
import { Failure, type Verb } from '../verb.ts';
import { requireViz } from './extension.ts';
import { flag } from './stat-flags.ts';

const SHOWN = ['linkerd', 'grafana', 'url'];

/** The extension that is installed here has no web server to show: the verb says so once all else is right. */
export const dashboard: Verb = {
  name: 'dashboard',
  summary: 'Open the Linkerd dashboard in a web browser',
  takes: { least: 0, most: 0 },
  flags: [
    flag('address', 'The address at which to serve requests', { default: '"localhost"' }),
    {
      name: 'port',
      short: 'p',
      type: 'int',
      default: '50750',
      usage: 'The local port on which to serve requests (when set to 0, a random port will be used)',
    },
    flag('show', 'Open a dashboard in a browser or show URLs in the CLI (one of: linkerd, grafana, url)', {
      default: '"linkerd"',
    }),
    {
      name: 'wait',
      type: 'duration',
      default: '5m0s',
      usage: "Wait for dashboard to become available if it's not available when the command is run",
    },
  ],
  async run(invocation) {
    const { flags } = invocation;
    const port = Number(flags.values.get('port') ?? 0);
    if (port < 0) throw new UsageError(`port must be greater than or equal to zero, was ${port}`);
    const show = flags.values.get('show') ?? 'linkerd';
    if (!SHOWN.includes(show))
      throw new UsageError(`unknown value for 'show' param, was: ${show}, must be one of: ${SHOWN.join(', ')}`);
    await requireViz(invocation);
    throw new Failure(
      'This terminal opens no dashboard: it has no browser, and the extension is installed without the web part.\nWhat the dashboard shows is in: linkerd viz stat, routes, edges, authz, tap and top',
    );
  },
};
