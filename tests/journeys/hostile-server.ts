import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Something that stands where a relay should be. */
export interface HostileServer extends AsyncDisposable {
  readonly url: string;
}

/**
 * Serves whatever a test wants.
 * @param atPort any free one when left out
 */
export async function serve(answer: RequestListener, atPort = 0): Promise<HostileServer> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(atPort, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
    },
  };
}
