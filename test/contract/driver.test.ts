import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { describeDriver } from './support/driver-suite.ts';

describeDriver({
  name: 'embedded',
  make: () => createEmbeddedDriver(),
  readyMs: 15_000,
  settleMs: 15_000,
  containers: {
    web: { image: 'hashicorp/http-echo:1.0', args: ['-listen=:8080', '-text=hello'] },
    tool: { image: 'curlimages/curl:8.11.1', command: ['sleep', '3600'] },
  },
});
