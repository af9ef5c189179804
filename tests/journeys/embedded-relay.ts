import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig, openEmbeddedRelay, type Relay } from '@sotto/relay-server';
import { storedCiphertexts } from '../retention/mail-bytes.ts';
import type { RelayUnderTest, RelayWishes } from './relay-kind.ts';

/** A relay of one process, on the files of its data folder, in this process. */
export function embeddedRelay(wishes: RelayWishes): RelayUnderTest {
  const { data, settings, codeSender, tracer, clock, timers, challengeCheck } = wishes;
  let relay: Relay | undefined;
  let port = 0;
  return {
    async start() {
      relay = await openEmbeddedRelay({
        config: loadConfig({ file: { path: 'relay.json', text: JSON.stringify({ data, port, ...settings }) } }),
        codeSender,
        tracer,
        ...(clock && { clock }),
        ...(timers && { timers }),
        ...(challengeCheck && { challengeCheck }),
      });
      const address = await relay.start();
      port = address.port;
      return [address.url];
    },
    async stop() {
      await relay?.stop();
      relay = undefined;
    },
    mailHeld: async () => storedCiphertexts(data).length,
    groupAvatars: async () =>
      readdirSync(join(data, 'blobs', 'stored')).filter((name) => name.startsWith('groups_')).length,
    [Symbol.asyncDispose]() {
      return this.stop();
    },
  };
}
