import type { DeviceIncarnation } from '../../ports/device-incarnation.ts';
import type { LedgerEntry, MailLedger } from '../../ports/mail-ledger.ts';
import type { MailQuota, MailUsage } from '../../ports/mailbox.ts';
import { checkLedgerEntry } from '../ledger-bounds.ts';
import { byteKey } from './byte-key.ts';
import { incarnationKey } from './incarnation-key.ts';

/** What devices hold, as plain lists: what is here is what every other adapter must do. */
export class MemoryMailLedger implements MailLedger {
  /** By device, then by entry id. */
  readonly #held = new Map<string, Map<string, LedgerEntry>>();

  async reserve(entries: readonly LedgerEntry[], quota: MailQuota): Promise<readonly ('accepted' | 'full')[]> {
    for (const entry of entries) checkLedgerEntry(entry);
    return entries.map((entry) => {
      const deviceKey = incarnationKey(entry.device);
      const held = this.#held.get(deviceKey) ?? new Map<string, LedgerEntry>();
      const entryKey = byteKey(entry.entryId);
      if (held.has(entryKey)) return 'accepted';
      if (!hasRoom(usageOf(held), entry, quota)) return 'full';
      this.#held.set(deviceKey, held.set(entryKey, { ...entry, entryId: entry.entryId.slice() }));
      return 'accepted';
    });
  }

  async release(device: DeviceIncarnation, entryIds: readonly Uint8Array[]): Promise<number> {
    const held = this.#held.get(incarnationKey(device));
    if (held === undefined) return 0;
    const released = entryIds.filter((entryId) => held.delete(byteKey(entryId))).length;
    if (held.size === 0) this.#held.delete(incarnationKey(device));
    return released;
  }

  async usage(device: DeviceIncarnation): Promise<MailUsage> {
    return usageOf(this.#held.get(incarnationKey(device)));
  }

  async expire(now: number, limit: number): Promise<number> {
    let expired = 0;
    for (const [deviceKey, held] of this.#held) {
      for (const [entryKey, { expiresAt }] of held) {
        if (expired === limit) return expired;
        if (expiresAt > now) continue;
        held.delete(entryKey);
        expired++;
      }
      if (held.size === 0) this.#held.delete(deviceKey);
    }
    return expired;
  }

  async nextEnd(): Promise<number | undefined> {
    const ends = [...this.#held.values()].flatMap((held) => [...held.values()].map(({ expiresAt }) => expiresAt));
    return ends.length === 0 ? undefined : ends.reduce((first, end) => Math.min(first, end));
  }

  async forget(device: DeviceIncarnation): Promise<void> {
    this.#held.delete(incarnationKey(device));
  }
}

function usageOf(held: ReadonlyMap<string, LedgerEntry> = new Map()): MailUsage {
  const entries = [...held.values()];
  const strangers = entries.filter(({ stranger }) => stranger);
  return {
    count: entries.length,
    bytes: sizeOf(entries),
    strangerCount: strangers.length,
    strangerBytes: sizeOf(strangers),
    oldest:
      entries.length === 0 ? undefined : entries.reduce((least, entry) => Math.min(least, entry.acceptedAt), Infinity),
  };
}

function sizeOf(entries: readonly LedgerEntry[]): number {
  return entries.reduce((bytes, { size }) => bytes + size, 0);
}

function hasRoom(usage: MailUsage, { size, stranger }: LedgerEntry, quota: MailQuota): boolean {
  if (usage.count + 1 > quota.count || usage.bytes + size > quota.bytes) return false;
  return (
    !stranger || (usage.strangerCount + 1 <= quota.strangerCount && usage.strangerBytes + size <= quota.strangerBytes)
  );
}
