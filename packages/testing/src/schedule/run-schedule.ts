import { createHash } from 'node:crypto';
import type { MemoryDisk } from '@sotto/sdk';
import type { StoreOpener } from '@sotto/sdk/ports';
import { ChatWitness } from '../promises/chat-witness.ts';
import { MailWitness } from '../promises/mail-witness.ts';
import type { Violation } from '../promises/violation.ts';
import { SeededRandom } from '../seeded-random.ts';
import type { World } from '../world/world.ts';
import type { WrapStores } from '../world/world-relay.ts';
import type { WorldTemplate } from '../world/world-template.ts';
import { drawEvent } from './draw-event.ts';
import { ScheduleActions } from './schedule-actions.ts';
import type { ScheduleEvent } from './schedule-event.ts';

/** What a schedule is run with. */
export interface ScheduleOptions {
  readonly seed: number;
  readonly template: WorldTemplate;
  /** How many events are drawn; 50 by default. */
  readonly length?: number;
  /** Plays these events in place of drawing: those of an earlier run, or some of them. */
  readonly events?: readonly ScheduleEvent[];
  readonly wrapStores?: WrapStores;
  /** Opens a client's store on its disk: to plant a bug. */
  readonly store?: (disk: MemoryDisk) => StoreOpener;
  /** Writes down what happens, line by line; without it only a digest is kept. */
  readonly log?: (line: string) => void;
}

/** What became of a schedule. */
export interface ScheduleOutcome {
  readonly seed: number;
  readonly events: readonly ScheduleEvent[];
  readonly violations: readonly Violation[];
  /** The event after which the first violation was found, from 0; the number of events when it was found in the end. */
  readonly failedAt: number | undefined;
  /** SHA-256 of all that happened, in order: the same seed gives the same. */
  readonly digest: string;
  /** How many texts were promised, came, and came late; how many had their time at the relay. */
  readonly counts: {
    readonly accepted: number;
    readonly arrived: number;
    readonly late: number;
    readonly expired: number;
  };
  /** The crash points at which somebody was killed. */
  readonly crashedAt: readonly string[];
}

const retentionMs = 30 * 86_400_000;

/**
 * Plays one schedule: draws an event by the seed, carries it out, lets the world come to rest, checks what must always hold; in the end mends everything, waits, and checks what must hold then.
 *
 * What is drawn depends on the seed alone, so a schedule that fails fails again.
 */
export async function runSchedule(options: ScheduleOptions): Promise<ScheduleOutcome> {
  const { seed, template, length = 50, events: given, wrapStores = (stores) => stores, store, log } = options;
  const digest = createHash('sha256');
  const note = (line: string) => {
    digest.update(`${line}\n`);
    log?.(line);
  };
  const chats = new ChatWitness();
  const mail = new MailWitness(retentionMs);
  const random = new SeededRandom(`schedule ${seed}`);
  let actions: ScheduleActions | undefined;
  const world: World = await template.world(
    {
      seed,
      wrapStores: (stores, run) => mail.watch(wrapStores(stores, run), world.relay.disk),
      witness: {
        clientStep: (user, step) => actions?.clientStep(user, step),
        relayStep: (step) => actions?.relayStep(step),
        clientOpened: (user, client) => chats.listen(user, client),
        clientError: (user, event, { code, name }) => {
          note(`    ${user.name} logs ${event} ${String(code ?? name)}`);
          if (code === 'internal' || event === 'stream.handler-failed' || event === 'inbox.unexpected') {
            chats.failed({ promise: 'P5', what: `${user.name}'s client failed within: ${event}` });
          }
        },
        relayError: (event, { code }) => {
          note(`    relay logs ${event} ${String(code)}`);
          if (code === 'internal') chats.failed({ promise: 'P5', what: `the relay failed within: ${event}` });
        },
        line: (user, event) => note(`    ${user} ${event}`),
      },
    },
    store === undefined ? {} : { store },
  );
  actions = new ScheduleActions(world, chats, note);
  const doing = actions;
  const check = () => [...chats.check(world.users, world.time.now()), ...mail.check(world.relay.disk)];

  await world.relay.start();
  for (const user of world.users) await user.open();
  await world.settle();
  const events: ScheduleEvent[] = [];
  let violations: readonly Violation[] = [];
  for (let at = 0; at < (given?.length ?? length) && violations.length === 0; at++) {
    const event = given?.[at] ?? drawEvent(random, doing.view());
    events.push(event);
    note(`${at} ${JSON.stringify(event)}`);
    await doing.perform(event);
    await world.settle();
    note(`  = ${world.time.now()} ${doing.summary()}`);
    violations = check();
  }
  const failedEarly = violations.length > 0;
  if (!failedEarly) {
    await doing.mend();
    const found = check();
    await doing.wait(() => chats.awaitsExpiry(mail.expired));
    note(`end ${world.time.now()} ${doing.summary()}`);
    violations = [
      ...found,
      ...check(),
      ...chats.checkEnd(world.users, mail.expired, world.time.now()),
      ...leftOver(world),
    ];
  }
  for (const violation of violations) note(`! ${violation.promise} ${violation.what}`);
  await doing.end();
  return {
    seed,
    events,
    violations,
    failedAt: violations.length === 0 ? undefined : failedEarly ? events.length - 1 : events.length,
    digest: digest.digest('hex'),
    counts: { ...chats.counts(world.users), expired: mail.expired.length },
    crashedAt: doing.crashedAt,
  };
}

function leftOver(world: World): readonly Violation[] {
  const left = world.relay.disk.mail().length;
  return left === 0
    ? []
    : [{ promise: 'P4', what: `${left} envelopes are at the relay when everybody has read everything` }];
}
