import { join } from 'node:path';
import {
  createRelay,
  loadConfig,
  openClusterRelay,
  openEmbeddedRelay,
  pinoLogger,
  prometheusMetrics,
  type Relay,
  systemRandomness,
  systemTimers,
} from '@sotto/relay-server';
import { openEmbeddedStores } from '@sotto/relay-server/embedded';
import type { Mailbox } from '@sotto/relay-server/ports';
import { answer, leave, say } from '../led/led-side.ts';
import { dedupeByIdOnly } from './planted-dedupe.ts';
import { earlyResults } from './planted-result.ts';
import type { RelayStart, SentCode, SoakRelayCalls } from './relay-start.ts';
import { SteppedTracer } from './stepped-tracer.ts';

// A relay as a process of its own: of one process on the embedded stores, or a node of a cluster. Argument: a RelayStart.

const start = JSON.parse(process.argv[2] ?? '{}') as RelayStart;
const tracer = new SteppedTracer();
tracer.arm(start.fatal);
let aheadMs = start.aheadMs;
const config = loadConfig({ file: { path: 'relay.json', text: JSON.stringify(start.config) } });
const clock = { now: () => Date.now() + aheadMs };
const codeSender = { send: ({ number, code }: SentCode) => say({ report: { number, code } }) };

const plants: Readonly<Record<string, (mailbox: Mailbox) => Mailbox>> = {
  'result-before-commit': earlyResults,
  'dedupe-by-id-only': (mailbox) => dedupeByIdOnly(mailbox, join(config.data, 'planted-ids')),
};

/** The same relay with a mailbox that is wrong on purpose. */
async function openPlanted(plant: (mailbox: Mailbox) => Mailbox): Promise<Relay> {
  const stores = await openEmbeddedStores({ folder: config.data, clock, tracer });
  return createRelay({
    config,
    stores: { ...stores, mailbox: plant(stores.mailbox) },
    // Numbers are hashed under it: the same at each start.
    relayKey: new Uint8Array(32).fill(7),
    codeSender,
    clock,
    timers: systemTimers,
    randomness: systemRandomness,
    tracer,
    logger: pinoLogger(config.logLevel),
    metrics: prometheusMetrics(),
  });
}

async function open(): Promise<Relay> {
  if (start.kind === 'cluster') return openClusterRelay({ config, tracer, clock, codeSender });
  const plant = plants[start.planted ?? ''];
  return plant === undefined ? openEmbeddedRelay({ config, tracer, clock, codeSender }) : openPlanted(plant);
}

const relay = await open();

answer<SoakRelayCalls>({
  start: async () => {
    try {
      return { url: (await relay.start()).url };
    } catch (error) {
      // Whoever asked starts another one.
      setImmediate(() => {
        console.error(error);
        process.exit(5);
      });
      throw error;
    }
  },
  arm: (fatal) => {
    tracer.arm(fatal);
  },
  setClock: (ms) => {
    aheadMs = ms;
  },
  stop: async () => {
    await relay.stop();
    leave();
  },
});
