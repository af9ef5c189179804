import type { GroupId } from '@sotto/sdk/ports';
import { SeededRandom } from '@sotto/testing';
import { JourneyWorld } from '../journeys/journey-world.ts';
import { CrowdDevice } from './crowd-device.ts';
import type { CrowdOptions } from './crowd-options.ts';
import { digestOf, isOrdered, Ledger } from './ledger.ts';
import { Thefts } from './thefts.ts';
import { Traffic } from './traffic.ts';

/** Somebody with all devices. The first one is the primary, and is never revoked. */
interface CrowdPerson {
  readonly name: string;
  readonly phone: string;
  readonly devices: CrowdDevice[];
  made: number;
}

interface CrowdGroup {
  readonly name: string;
  readonly id: GroupId;
  /** The first one made it, and stays. */
  readonly members: CrowdPerson[];
}

/** What a crowd came to. */
export interface CrowdOutcome {
  readonly lines: readonly string[];
  /** What is not as it has to be. */
  readonly problems: readonly string[];
}

/** What happens between two phases of talk. */
type Turn = 'link' | 'join' | 'leave' | 'remove' | 'revoke' | 'rejoin';
const turns: readonly Turn[] = [
  'link',
  'join',
  'link',
  'leave',
  'remove',
  'link',
  'revoke',
  'rejoin',
  'revoke',
  'join',
  'remove',
  'link',
];
const lastLinks = turns.filter((turn) => turn === 'link').length;

/** People who talk while devices and members come and go. */
export class Crowd {
  readonly #options: CrowdOptions;
  readonly #say: (line: string) => void;
  readonly #random: SeededRandom;
  readonly #world: JourneyWorld;
  readonly #ledger = new Ledger();
  readonly #people: CrowdPerson[] = [];
  readonly #groups: CrowdGroup[] = [];
  readonly #ended: CrowdDevice[] = [];
  readonly #counts = new Map<string, number>();
  readonly #traffic = new Traffic();
  readonly #thefts = new Thefts(this.#traffic, this.#ledger);

  private constructor(options: CrowdOptions, world: JourneyWorld, say: (line: string) => void) {
    this.#options = options;
    this.#say = say;
    this.#world = world;
    this.#random = new SeededRandom(`crowd ${options.seed}`);
  }

  /** Lets a crowd come together, talk and part. */
  static async run(options: CrowdOptions, say: (line: string) => void): Promise<CrowdOutcome> {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const crowd = new Crowd(options, world, say);
    try {
      await crowd.#gather();
      await crowd.#talk();
      const outcome = await crowd.#compare();
      const stolen = await crowd.#thefts.judge(
        world.url,
        crowd.#people.map((person) => crowd.#primary(person)),
      );
      return {
        lines: [...outcome.lines, ...stolen.lines],
        problems: [...outcome.problems, ...stolen.problems],
      };
    } finally {
      await Promise.all([...crowd.#devices(), ...crowd.#ended].map((device) => device.stop()));
    }
  }

  async #gather(): Promise<void> {
    const { people, devices } = this.#options;
    for (let at = 0; at < people; at++) {
      const person = { name: `p${at}`, phone: `+1415556${String(at).padStart(4, '0')}`, devices: [], made: 0 };
      this.#people.push(person);
      const device = this.#newDevice(person);
      await device.open();
      await device.register();
      await device.live();
    }
    this.#say(`crowd: ${people} people are registered`);
    for (const person of this.#people) {
      for (const partner of this.#partnersOf(person)) {
        await this.#primary(person).client.chats.with(partner.phone);
        await this.#primary(partner).client.chats.with(person.phone);
      }
    }
    for (const person of this.#people.slice(0, devices - people - lastLinks)) await this.#link(person);
    const third = Math.floor(people / 3);
    await this.#makeGroup('everybody', this.#people);
    await this.#makeGroup('first third', this.#people.slice(0, third));
    await this.#makeGroup('middle', this.#people.slice(third - 2, third + 6));
  }

  async #talk(): Promise<void> {
    const phases = turns.length + 1;
    const each = Math.ceil(this.#options.messages / phases);
    for (let phase = 0; phase < phases; phase++) {
      const left = this.#options.messages - this.#ledger.count;
      await this.#phase(Math.min(each, left), phase);
      const turn = turns[phase];
      if (turn !== undefined) await this.#take(turn);
    }
  }

  /** Talk, with some devices away for the time and a relay that is started anew in the middle. */
  async #phase(messages: number, phase: number): Promise<void> {
    const away = this.#some(this.#devices(), 3);
    for (const device of away) await device.stop();
    const sends: Promise<void>[] = [];
    for (let at = 0; at < messages; at++) {
      if (at === messages >> 1 && phase % 4 === 1) {
        await Promise.all(sends);
        await this.#world.stop();
        await this.#world.start();
        this.#count('restarts of the relay');
      }
      sends.push(this.#sayOne());
      if (at % 32 === 31) await Promise.all(sends.splice(0));
    }
    await Promise.all(sends);
    for (const device of away) await device.open();
    await this.#quiet();
    this.#say(
      `crowd: ${this.#ledger.count} messages, ${this.#ledger.copies} copies, ${this.#devices().length} devices`,
    );
  }

  async #sayOne(): Promise<void> {
    const open = this.#devices().filter(({ isOpen }) => isOpen);
    const device = this.#pick(open);
    const person = this.#ownerOf(device);
    const text = `m${this.#random.between(0, 1e9)}`;
    const groups = this.#groups.filter(({ members }) => members.includes(person));
    const group = this.#random.fraction() < 0.7 ? this.#random.pick(groups) : undefined;
    if (group !== undefined) {
      const { id } = await (await device.group(group.id)).send(text);
      const devices = group.members.flatMap((member) => member.devices);
      this.#ledger.add({ id, chat: group.name, text, devices });
      return;
    }
    const partner = this.#pick(this.#partnersOf(person));
    const { id } = await (await device.client.chats.with(partner.phone)).send(text);
    const chat = [person.name, partner.name].sort().join(' and ');
    this.#ledger.add({ id, chat, text, devices: [...person.devices, ...partner.devices] });
  }

  async #take(turn: Turn): Promise<void> {
    this.#count(turn);
    this.#say(`crowd: ${turn}`);
    const [, second, third] = this.#groups;
    if (second === undefined || third === undefined) throw new Error('there are no groups');
    const owner = this.#primary(this.#first(second.members));
    if (turn === 'link') {
      await this.#link(this.#pick(this.#people.filter(({ devices }) => devices.length === 1)));
    } else if (turn === 'join' || turn === 'rejoin') {
      const newcomer = this.#pick(this.#people.filter((person) => !second.members.includes(person)));
      await (await owner.group(second.id)).add([this.#primary(newcomer).userId]);
      second.members.push(newcomer);
      await this.#known(second, newcomer);
    } else if (turn === 'leave') {
      const leaver = this.#pick(third.members.slice(1));
      await (await this.#primary(leaver).group(third.id)).leave();
      third.members.splice(third.members.indexOf(leaver), 1);
    } else if (turn === 'remove') {
      const removed = this.#pick(second.members.slice(1));
      this.#thefts.copy(this.#primary(removed), { chat: second.name, stays: false });
      // Who removes makes the new keys: it is another member who gets them.
      const staying = second.members.slice(1).find((person) => person !== removed);
      if (staying !== undefined) this.#thefts.copy(this.#primary(staying), { chat: second.name, stays: true });
      await (await owner.group(second.id)).remove([this.#primary(removed).userId]);
      second.members.splice(second.members.indexOf(removed), 1);
    } else {
      const person = this.#pick(this.#people.filter(({ devices }) => devices.length > 1));
      const device = person.devices.pop();
      const deviceId = device?.client.account?.deviceId;
      if (device === undefined || deviceId === undefined) throw new Error('there is nothing to revoke');
      this.#thefts.copy(device, { stays: false });
      await this.#primary(person).client.devices.revoke(deviceId);
      this.#ended.push(device);
    }
    await this.#agree();
  }

  async #link(person: CrowdPerson): Promise<void> {
    const primary = this.#primary(person);
    const device = this.#newDevice(person);
    await device.open();
    let show: (code: string) => void = () => undefined;
    const shown = new Promise<string>((resolve) => {
      show = resolve;
    });
    const linked = device.client.linkDevice({ name: device.name, onCode: show });
    await primary.client.devices.link(await shown, { confirm: () => true });
    await linked;
    await device.live();
    for (const group of this.#groups) if (group.members.includes(person)) await this.#known(group, person);
    await this.#agree();
  }

  async #makeGroup(name: string, members: readonly CrowdPerson[]): Promise<void> {
    const [creator, ...others] = members.map((person) => this.#primary(person));
    if (creator === undefined) throw new Error('a group has a creator');
    const made = await creator.client.groups.create({ title: name, members: others.map(({ userId }) => userId) });
    const group = { name, id: made.groupId, members: [...members] };
    this.#groups.push(group);
    for (const person of members) await this.#known(group, person);
    this.#say(`crowd: "${name}" has ${members.length} members`);
  }

  /** Resolves when somebody's devices know a group; it is accepted there. */
  async #known(group: CrowdGroup, person: CrowdPerson): Promise<void> {
    for (const device of person.devices.filter(({ isOpen }) => isOpen)) {
      await this.#until(`${device.name} knows "${group.name}"`, async () => {
        const chat = await device.client.groups.get(group.id);
        return chat !== undefined && (await chat.info()).standing === 'member';
      });
      await (await device.group(group.id)).accept();
    }
  }

  /** Resolves when all devices have the same idea of who is in which group. */
  async #agree(): Promise<void> {
    for (const group of this.#groups) {
      const wanted = group.members.map((person) => this.#primary(person).userId).sort();
      for (const device of group.members.flatMap(({ devices }) => devices)) {
        await this.#until(`${device.name} knows who is in "${group.name}"`, async () => {
          const { members } = await (await device.group(group.id)).info();
          const known = members.map(({ userId }) => userId).sort();
          return known.length === wanted.length && known.every((userId, at) => userId === wanted[at]);
        });
      }
    }
    await this.#quiet();
  }

  /** Resolves when everything has left and has come. */
  async #quiet(): Promise<void> {
    await Promise.all(this.#devices().map((device) => device.live()));
    await this.#until('all messages are there', async () => this.#ledger.firstMissing() === undefined);
    // The receipts for them are in the outboxes by now: they leave at once.
    await Promise.all(this.#devices().map(({ client }) => client.flush()));
  }

  async #compare(): Promise<CrowdOutcome> {
    const problems: string[] = [];
    const lines: string[] = [];
    for (const chat of this.#ledger.chats()) {
      const digests = new Map<string, Map<string, number>>();
      for (const device of this.#devices()) {
        const expected = this.#ledger.expected(chat, device);
        if (expected.length === 0) continue;
        const history = await device.history(await this.#chatOf(device, chat));
        const ids = history.map(({ id }) => id);
        const unexpected = ids.filter((id) => !expected.some((entry) => entry.id === id));
        const lost = expected.filter(({ id }) => !ids.includes(id));
        if (lost.length > 0) problems.push(`${device.name} lacks ${lost.length} of ${expected.length} in ${chat}`);
        if (unexpected.length > 0)
          problems.push(`${device.name} has ${unexpected.length} in ${chat} that it should not have`);
        if (new Set(ids).size !== ids.length) problems.push(`${device.name} has something twice in ${chat}`);
        if (!isOrdered(history)) problems.push(`${device.name} has ${chat} in another order than it was said`);
        // Whoever came late or left early has a part of the chat: devices with the same part are compared.
        const window = expected.map(({ id }) => id).join(' ');
        const ofWindow = digests.get(window) ?? new Map<string, number>();
        const digest = digestOf(history);
        digests.set(window, ofWindow.set(digest, (ofWindow.get(digest) ?? 0) + 1));
      }
      for (const [window, ofWindow] of digests) {
        const messages = window.split(' ').length;
        if (ofWindow.size > 1) problems.push(`${chat}: ${ofWindow.size} digests among devices with the same messages`);
        for (const [digest, devices] of ofWindow) {
          if (chat.includes(' and ')) continue;
          lines.push(`chat "${chat}": ${messages} messages, digest ${digest}, on ${devices} devices`);
        }
      }
    }
    for (const device of this.#devices()) {
      if (device.held.length > 0) this.#count('envelopes that were held for a while');
    }
    lines.push(...[...this.#counts].map(([what, count]) => `${what}: ${count}`));
    return { lines, problems };
  }

  async #chatOf(device: CrowdDevice, chat: string) {
    const group = this.#groups.find(({ name }) => name === chat);
    if (group !== undefined) return device.group(group.id);
    const own = this.#ownerOf(device).name;
    const other = chat.split(' and ').find((name) => name !== own);
    const partner = this.#people.find(({ name }) => name === other);
    if (partner === undefined) throw new Error(`nobody is called ${other}`);
    return device.client.chats.with(partner.phone);
  }

  /** Looks again whenever something was heard, and says what it waits for when it is given up. */
  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const latest = performance.now() + 60_000;
    while (!(await holds())) {
      if (performance.now() > latest) throw new Error(`this did not come about: ${what} (${this.#whatIsMissing()})`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #whatIsMissing(): string {
    const missing = this.#ledger.firstMissing();
    const held = this.#devices().flatMap((device) => device.held.map((reason) => `${device.name}: ${reason}`));
    if (missing === undefined) return `no message is missing; held: ${held.join(', ') || 'nothing'}`;
    const { entry, device } = missing;
    return `${device.name} lacks one in ${entry.chat}; it held ${device.held.join(', ') || 'nothing'}`;
  }

  #newDevice(person: CrowdPerson): CrowdDevice {
    const device = new CrowdDevice({
      name: `${person.name}.${++person.made}`,
      phone: person.phone,
      relay: () => this.#world.url,
      codeFor: (phone) => this.#world.codeFor(phone),
      watch: this.#world.watch,
      traffic: this.#traffic,
    });
    person.devices.push(device);
    return device;
  }

  #devices(): readonly CrowdDevice[] {
    return this.#people.flatMap(({ devices }) => devices);
  }

  #ownerOf(device: CrowdDevice): CrowdPerson {
    const owner = this.#people.find(({ devices }) => devices.includes(device));
    if (owner === undefined) throw new Error(`${device.name} is nobody's`);
    return owner;
  }

  #partnersOf(person: CrowdPerson): readonly CrowdPerson[] {
    const at = this.#people.indexOf(person);
    return [1, this.#options.people - 1].map((step) =>
      this.#first(this.#people.slice((at + step) % this.#people.length)),
    );
  }

  #primary(person: CrowdPerson): CrowdDevice {
    return this.#first(person.devices);
  }

  #first<Item>(items: readonly Item[]): Item {
    const [first] = items;
    if (first === undefined) throw new RangeError('there is nothing to take the first of');
    return first;
  }

  #pick<Item>(items: readonly Item[]): Item {
    const picked = this.#random.pick(items);
    if (picked === undefined) throw new RangeError('there is nothing to pick from');
    return picked;
  }

  #some<Item>(items: readonly Item[], count: number): readonly Item[] {
    const chosen = new Set<Item>();
    while (chosen.size < Math.min(count, items.length)) chosen.add(this.#pick(items));
    return [...chosen];
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}
