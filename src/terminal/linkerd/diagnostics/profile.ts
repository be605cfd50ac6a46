import { GET_PROFILE } from '#mesh/api/destination-api.ts';
import { goJson } from '#mesh/api/go-json.ts';
import { GrpcError } from '#mesh/api/grpc.ts';
import { Failure, type Verb } from '../verb.ts';
import { controller, DESTINATION_POD, first, rpcError } from './controller.ts';
import { jsonText } from './json-text.ts';

export const profile: Verb = {
  name: 'profile',
  aliases: ['ep'],
  takes: { least: 1, most: 1 },
  summary: "Introspect Linkerd's service discovery state",
  long: `Introspect Linkerd's service discovery state.

This command provides debug information about the internal state of the
control-plane's destination controller. It queries the same Destination service
endpoint as the linkerd-proxy's, and returns the profile associated with that
destination.`,
  usage: '[flags] address',
  examples: `  # Get the service profile for the service or endpoint at 10.20.2.4:8080
  linkerd diagnostics profile 10.20.2.4:8080`,
  flags: [
    DESTINATION_POD,
    { name: 'token', type: 'string', usage: 'The context token to use when making the request to the destination API' },
  ],
  async run(invocation) {
    const { args, flags, out } = invocation;
    const channel = await controller(invocation, 8086);
    try {
      const request = { path: args[0], context_token: flags.values.get('token') ?? '' };
      const message = await first(invocation, channel, GET_PROFILE, request);
      await out(`${jsonText(goJson(GET_PROFILE.response, message ?? {}))}\n`);
    } catch (error) {
      if (error instanceof GrpcError) throw new Failure(`Destination API error: ${rpcError(error)}`);
      throw error;
    } finally {
      channel.close();
    }
    return 0;
  },
};
