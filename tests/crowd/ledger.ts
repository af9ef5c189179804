import { createHash } from 'node:crypto';
import type { Message } from '@sotto/sdk';
import type { MessageId } from '@sotto/sdk/ports';
import type { CrowdDevice } from './crowd-device.ts';

/** What was sent, and which devices have to have it in the end. */
export interface LedgerEntry {
  readonly id: MessageId;
  /** Which conversation, by a name that is the same for all. */
  readonly chat: string;
  readonly text: string;
  readonly devices: readonly CrowdDevice[];
}

/** Everything that was said in a crowd. */
export class Ledger {
  readonly #entries: LedgerEntry[] = [];

  add(entry: LedgerEntry): void {
    this.#entries.push(entry);
  }

  get count(): number {
    return this.#entries.length;
  }

  /** How many (message, device) pairs there are. */
  get copies(): number {
    return this.#entries.reduce((sum, { devices }) => sum + devices.length, 0);
  }

  /** What was said after so many. */
  after(count: number): readonly LedgerEntry[] {
    return this.#entries.slice(count);
  }

  /** The first that an open device lacks, as far as its events tell. */
  firstMissing(): { readonly entry: LedgerEntry; readonly device: CrowdDevice } | undefined {
    for (const entry of this.#entries) {
      const device = entry.devices.find((one) => one.isOpen && !one.seen.has(entry.id));
      if (device !== undefined) return { entry, device };
    }
    return undefined;
  }

  /** What a device has to have of a chat. */
  expected(chat: string, device: CrowdDevice): readonly LedgerEntry[] {
    return this.#entries.filter((entry) => entry.chat === chat && entry.devices.includes(device));
  }

  /** The names of all chats. */
  chats(): readonly string[] {
    return [...new Set(this.#entries.map(({ chat }) => chat))].sort();
  }
}

/** SHA-256 over what a history has: who said what under which number, in the order of sender, device and number. */
export function digestOf(messages: readonly Message[]): string {
  const lines = messages
    .map(({ id, senderId, senderDevice, seq, text }) => JSON.stringify([senderId, senderDevice, seq, id, text]))
    .sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16);
}

/** Whether each sender device's messages stand in the order of their numbers. */
export function isOrdered(messages: readonly Message[]): boolean {
  const last = new Map<string, number>();
  for (const { senderId, senderDevice, seq, late } of messages) {
    const key = `${senderId}.${senderDevice}`;
    if (!late && seq <= (last.get(key) ?? 0)) return false;
    last.set(key, Math.max(seq, last.get(key) ?? 0));
  }
  return true;
}
