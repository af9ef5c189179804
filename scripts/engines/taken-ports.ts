import { createServer } from 'node:net';
import type { PortUse } from './engine-shape.ts';

/** One line for each port that somebody else listens on, or that can't be had for another reason. */
export async function takenPorts(ports: readonly PortUse[]): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const use of ports) {
    const code = await listenError(use);
    if (code === undefined) continue;
    const where = `port ${use.port} on ${use.host}, which ${use.user} needs,`;
    if (code === 'EADDRINUSE') problems.push(`${where} is taken`);
    else if (code === 'EADDRNOTAVAIL')
      problems.push(`${where} can't be had: ${use.host} is no address of this machine`);
    else problems.push(`${where} can't be had: ${code}`);
  }
  return problems;
}

function listenError({ host, port }: PortUse): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
