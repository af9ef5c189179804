import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig, openEmbeddedRelay, type Relay } from '@sotto/relay-server';
import { RelayProcess } from '../led/relay-process.ts';
import type { Watch } from '../led/watch.ts';
import { storedCiphertexts } from '../retention/mail-bytes.ts';
import type { KillableRelay, RelayUnderTest, RelayWishes } from './relay-kind.ts';

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
    async trustRoot() {
      const secret = randomBytes(32);
      mkdirSync(data, { recursive: true, mode: 0o700 });
      writeFileSync(join(data, 'trust-root.key'), secret, { mode: 0o600 });
      return secret;
    },
    mailHeld: async () => storedCiphertexts(data).length,
    groupAvatars: async () =>
      readdirSync(join(data, 'blobs', 'stored')).filter((name) => name.startsWith('groups_')).length,
    [Symbol.asyncDispose]() {
      return this.stop();
    },
  };
}

/** A relay of one process, which is killed. */
export function embeddedRelayProcess(data: string, watch: Watch, config: object): KillableRelay {
  const relay = new RelayProcess(data, watch, config);
  return {
    get urls() {
      return [relay.url];
    },
    start: () => relay.start(),
    async kill() {
      await relay.kill();
    },
    codeFor: (number) => relay.codeFor(number),
    async [Symbol.asyncDispose]() {
      await relay.kill();
    },
  };
}
