import { SottoError } from '@sotto/sdk';
import type { ChatWitness } from '../promises/chat-witness.ts';
import { TestingError } from '../testing-error.ts';
import type { World } from '../world/world.ts';
import type { WorldUser } from '../world/world-user.ts';
import type { ScheduleView } from './draw-event.ts';
import { GroupActions } from './group-actions.ts';
import type { ScheduleEvent } from './schedule-event.ts';

type Of<Type extends ScheduleEvent['type']> = Extract<ScheduleEvent, { readonly type: Type }>;

/** The most that are in a world: those of the template and one who registers late. */
const mostUsers = 4;
/** How often the world is given a minute to finish when everything is mended. */
const mostMinutes = 30;

/** Carries the events of a schedule out. An event that can't happen now (in a shortened schedule) does nothing. */
export class ScheduleActions {
  /** Where somebody was killed in the midst of things. */
  readonly crashedAt: string[] = [];
  readonly #world: World;
  readonly #chats: ChatWitness;
  readonly #groups: GroupActions;
  readonly #note: (line: string) => void;
  /** Steps until a crash, by user. */
  readonly #crashes = new Map<WorldUser, number>();
  #relayCrash: number | undefined;
  #texts = 0;
  #mended = false;

  constructor(world: World, chats: ChatWitness, note: (line: string) => void) {
    this.#world = world;
    this.#chats = chats;
    this.#groups = new GroupActions(world, chats);
    this.#note = note;
  }

  /** What the next event is drawn by. */
  view(): ScheduleView {
    const { users, relay } = this.#world;
    return {
      users: users.map(({ state, line, disk }) => ({ state, line: line.state, diskFull: disk.full })),
      relay: relay.state,
      mayRegister: users.length < mostUsers && relay.state === 'running',
    };
  }

  /** The state of everything in one line. */
  summary(): string {
    const { users, relay } = this.#world;
    const each = users.map((user) => {
      const { message, outbox } = user.disk.tables;
      const connection = user.state === 'open' ? user.client.connection : user.state;
      const states = [...message.values()].map(({ state }) => state[0]).join('');
      return `${user.name} ${connection} ${user.line.state} ${states} ${outbox.size}`;
    });
    return `relay ${relay.state} ${relay.disk.mail().length}, ${each.join(', ')}`;
  }

  /** @internal a client reached a step */
  clientStep(user: WorldUser, step: string): void {
    const left = this.#crashes.get(user);
    if (left === undefined || this.#mended) return;
    this.#crashes.set(user, left - 1);
    if (left > 1) return;
    this.#crashes.delete(user);
    this.#note(`    ${user.name} crashes at ${step}`);
    this.crashedAt.push(step);
    user.crash();
  }

  /** @internal the relay reached a step */
  relayStep(step: string): void {
    if (this.#relayCrash === undefined || this.#mended) return;
    this.#relayCrash--;
    if (this.#relayCrash > 0) return;
    this.#relayCrash = undefined;
    this.#note(`    the relay crashes at ${step}`);
    this.crashedAt.push(`relay ${step}`);
    if (this.#world.relay.state !== 'stopped') this.#world.relay.crash();
  }

  async perform(event: ScheduleEvent): Promise<void> {
    switch (event.type) {
      case 'pass':
        return this.#world.advance({ ms: event.ms });
      case 'register':
        return this.#register();
      case 'relay-start':
      case 'relay-stop':
      case 'relay-crash':
      case 'relay-crash-at':
        return this.#relay(event);
      default:
        return this.#ofUser(event);
    }
  }

  /** Mends everything: all lines, disks and clocks; starts the relay; opens everybody. */
  async mend(): Promise<void> {
    const { network, relay, users } = this.#world;
    this.#mended = true;
    network.heal();
    for (const user of users) {
      user.disk.full = false;
      user.setSkew(0);
    }
    if (relay.state === 'stopping') relay.crash();
    if (relay.state === 'stopped') await relay.start();
    for (const user of users) {
      if (user.state === 'stopping' || user.state === 'opening') user.crash();
      if (user.state === 'closed') await user.open();
      else user.client.reconnect();
    }
    await this.#world.settle();
    for (const user of users) if (user.client.account === undefined) await user.register();
  }

  /** Waits until everything is done, at most half an hour; and when something has had its time at the relay, until its author had time to say so. */
  async wait(awaitsExpiry: () => boolean): Promise<void> {
    await this.#settleMinutes();
    if (!awaitsExpiry()) return;
    await this.#world.advance({ days: 32 });
    await this.#world.advance({ hours: 2 });
    await this.#settleMinutes();
  }

  /** Lets everything go, without ceremony. */
  async end(): Promise<void> {
    const { users, relay } = this.#world;
    this.#mended = true;
    for (const user of users) if (user.state !== 'closed') user.crash();
    if (relay.state !== 'stopped') relay.crash();
    await this.#world.settle();
  }

  async #settleMinutes(): Promise<void> {
    for (let minute = 0; minute < mostMinutes; minute++) {
      await this.#world.advance({ minutes: 1 });
      if (this.#isDone()) return;
    }
  }

  #isDone(): boolean {
    const { users, relay } = this.#world;
    const idle = ({ client, disk: { tables } }: WorldUser) =>
      client.connection === 'live' && tables.outbox.size === 0 && tables.held.size === 0;
    return relay.disk.mail().length === 0 && users.every(idle);
  }

  #relay(event: Of<'relay-start' | 'relay-stop' | 'relay-crash' | 'relay-crash-at'>): void {
    const { relay } = this.#world;
    if (event.type === 'relay-start' && relay.state === 'stopped') this.#background(relay.start());
    if (event.type === 'relay-stop' && relay.state === 'running') this.#background(relay.stop());
    if (event.type === 'relay-crash' && relay.state !== 'stopped') relay.crash();
    if (event.type === 'relay-crash-at') this.#relayCrash = event.steps;
  }

  #ofUser(event: Exclude<ScheduleEvent, { readonly type: 'pass' | 'register' | `relay-${string}` }>): void {
    const user = this.#world.users[event.user];
    if (user === undefined) return;
    const { network } = this.#world;
    switch (event.type) {
      case 'open':
        if (user.state === 'closed') this.#background(user.open());
        break;
      case 'stop':
        if (user.state === 'open') this.#background(user.stop());
        break;
      case 'crash':
        if (user.state !== 'closed') user.crash();
        break;
      case 'crash-at':
        this.#crashes.set(user, event.steps);
        break;
      case 'reconnect':
        if (user.state === 'open') user.client.reconnect();
        break;
      case 'disk-full':
      case 'disk-free':
        user.disk.full = event.type === 'disk-full';
        break;
      case 'skew':
        user.setSkew(event.ms);
        break;
      case 'cut':
        network.cut(user);
        break;
      case 'disconnect':
        network.disconnect(user);
        break;
      case 'connect':
        network.connect(user);
        break;
      case 'half-open':
        network.halfOpen(user);
        break;
      case 'swallow':
        network.swallow(user);
        break;
      case 'slow':
        network.slow(user, { ms: event.ms });
        break;
      case 'message':
        network.next(user, event.direction, event.fate);
        break;
      case 'request':
        network.nextRequest(user, event.fate);
        break;
      case 'send':
        this.#send(user, this.#world.users[event.to], event.count);
        break;
      case 'read':
        this.#read(user, this.#world.users[event.to]);
        break;
      default: {
        const done = this.#groups.perform(event, user);
        if (done !== undefined) this.#background(done);
      }
    }
  }

  #send(user: WorldUser, to: WorldUser | undefined, count: number): void {
    if (user.state !== 'open' || to === undefined || user.client.account === undefined) return;
    const { client } = user;
    const texts = Array.from({ length: count }, () => `${user.name} says ${++this.#texts}`);
    for (const text of texts) this.#chats.asks(text, user, to);
    const sent = client.chats.with(to.number).then(async (chat) => {
      await Promise.all(
        texts.map(async (text) => {
          const { id } = await chat.send(text);
          this.#chats.accepted(text, id);
        }),
      );
    });
    this.#background(sent);
  }

  #read(user: WorldUser, from: WorldUser | undefined): void {
    if (user.state !== 'open' || from === undefined || user.client.account === undefined) return;
    const { client } = user;
    const read = client.chats.with(from.number).then(async (chat) => {
      const last = (await chat.history({ limit: 1 })).messages.at(-1);
      if (last !== undefined) await chat.markRead(last);
    });
    this.#background(read);
  }

  async #register(): Promise<void> {
    const { users, relay } = this.#world;
    if (users.length >= mostUsers || relay.state !== 'running') return;
    const user = await this.#world.user('Dan', { open: false });
    this.#background(user.open().then(() => user.register()));
  }

  /** What takes until something is mended goes on beside the schedule. That it fails while things are broken is right; how it fails is looked at. */
  #background(call: Promise<unknown>): void {
    call.catch((error: unknown) => {
      const isTyped = error instanceof SottoError || error instanceof TestingError;
      if (isTyped && error.code !== 'internal') this.#note(`    refused: ${error.code}`);
      else this.#chats.failed({ promise: 'P5', what: `a call failed without a type: ${String(error)}` });
    });
  }
}
