import { createClient } from 'redis';

/** A PING with the password. */
export async function askRedis(url: string): Promise<string> {
  const client = await connected(url);
  try {
    const pong = await client.ping();
    if (pong !== 'PONG') throw new Error(`Redis answers PING with ${pong}`);
    const version = /^redis_version:(.*)$/m.exec(await client.info('server'))?.[1];
    return `Redis ${version?.trim()}`;
  } finally {
    client.destroy();
  }
}

/** It is not open to those who have no password. */
export async function tryRedis(url: string): Promise<string> {
  const stranger = new URL(url);
  stranger.password = '';
  const refusal = await askRedis(stranger.href).catch((error: unknown) => String(error));
  if (!refusal.includes('NOAUTH')) throw new Error(`without the password Redis says: ${refusal}`);
  return 'PING answered with the password, refused without';
}

async function connected(url: string) {
  const client = createClient({ url, socket: { connectTimeout: 5000, reconnectStrategy: false } });
  // What goes wrong comes to whoever waits for an answer; without a listener it would end the process besides.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.destroy();
    throw error;
  }
}
