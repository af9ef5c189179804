import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { takenPorts } from './taken-ports.ts';

it('says who needs a port that is taken, and which', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const use = { user: 'kafka-1 (controller)', host: '127.0.0.1', port };
  try {
    expect(await takenPorts([use])).toEqual([`port ${port} on 127.0.0.1, which kafka-1 (controller) needs, is taken`]);
  } finally {
    other.close();
    await once(other, 'close');
  }
  expect(await takenPorts([use])).toEqual([]);
});

it('says which address is none of this machine', async () => {
  // For documentation: nobody has it.
  const [problem] = await takenPorts([{ user: 'redis', host: '192.0.2.1', port: 19_379 }]);
  expect(problem).toContain('192.0.2.1 is no address of this machine');
});
