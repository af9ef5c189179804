import { join } from 'node:path';
import { endOfTurn, type Schedule } from '../../platform/end-of-turn.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { RelayStores } from '../../ports/relay-stores.ts';
import type { Tracer } from '../../ports/tracer.ts';
import { MemoryDeviceCodeStore } from '../memory/device-code-store.ts';
import { MemoryLinkStore } from '../memory/link-store.ts';
import { MemoryPresence } from '../memory/presence.ts';
import { MemoryRateLimiter } from '../memory/rate-limiter.ts';
import { MemoryTicketStore } from '../memory/ticket-store.ts';
import { silentTracer } from '../memory/tracer.ts';
import { EmbeddedAccountControl } from './account-control.ts';
import { EmbeddedAccountStore } from './account-store.ts';
import { BlobFolder } from './blob-folder.ts';
import { makeDataFolder } from './data-folder.ts';
import { DeviceRows } from './device-rows.ts';
import { EmbeddedDeviceStore } from './device-store.ts';
import { lockFile } from './file-lock.ts';
import { GroupAvatarRows } from './group-avatar-rows.ts';
import { EmbeddedGroupAvatarStore } from './group-avatar-store.ts';
import { GroupRows } from './group-rows.ts';
import { EmbeddedGroupStore } from './group-store.ts';
import { ListRows } from './list-rows.ts';
import { EmbeddedMailbox } from './mailbox.ts';
import { OwnerRows } from './owner-rows.ts';
import { PrekeyRows } from './prekey-rows.ts';
import { EmbeddedPrekeyStore } from './prekey-store.ts';
import { RelayDatabase } from './relay-database.ts';
import { storeFailure } from './store-failure.ts';
import { TokenRows } from './token-rows.ts';
import { EmbeddedTokenStore } from './token-store.ts';
import { EmbeddedVerificationStore } from './verification-store.ts';

/** What the embedded adapters need from outside. */
export interface EmbeddedStoresOptions {
  /** A folder of this relay alone; made when it isn't there. Must be on a local disk, for the sake of its lock. */
  readonly folder: string;
  readonly clock: Clock;
  /** Makes delivery ids and epochs unguessable; the operating system's by default. */
  readonly randomness?: Randomness;
  /** Told when groups are about to be, and are, on disk. */
  readonly tracer?: Tracer;
  /** When a group of writes is committed; at the end of the turn by default. */
  readonly schedule?: Schedule;
}

/**
 * All stores of a relay in one process: `relay.db` (SQLite), the folder `blobs`, and memory for what may be lost.
 *
 * @throws {RelayError} `store-locked` while another process uses the folder, `store-newer` when a later relay wrote it,
 * `store-corrupt` when a file is damaged (it is left as it is), `store-unavailable` when the disk can't be used
 */
export async function openEmbeddedStores(options: EmbeddedStoresOptions): Promise<RelayStores> {
  const { folder, clock, randomness = systemRandomness, tracer = silentTracer, schedule = endOfTurn } = options;
  const undo: (() => void)[] = [];
  const letGo = () => {
    for (const step of undo.splice(0).reverse()) step();
  };
  try {
    await makeDataFolder(folder);
    undo.push(lockFile(join(folder, 'relay.lock')));
    const database = new RelayDatabase(join(folder, 'relay.db'), { tracer, schedule });
    undo.push(() => database.close());
    const blobs = await BlobFolder.open(join(folder, 'blobs'), randomness);
    const devices = new DeviceRows(database);
    const prekeys = new PrekeyRows(database);
    const tokens = new TokenRows(database);
    const groupAvatars = new GroupAvatarRows(database);
    const groups = new GroupRows(database, groupAvatars);
    const owners = new OwnerRows(database, devices, groups);
    const lists = new ListRows(database, devices, prekeys);
    return {
      accounts: new EmbeddedAccountStore(database, { devices, prekeys, tokens, owners, lists }),
      control: new EmbeddedAccountControl(database, owners),
      verifications: new EmbeddedVerificationStore(database),
      tokens: new EmbeddedTokenStore(database, devices, tokens),
      prekeys: new EmbeddedPrekeyStore(database, devices, prekeys, lists),
      devices: new EmbeddedDeviceStore(database, { devices, lists, prekeys, tokens }),
      mailbox: new EmbeddedMailbox(database, devices, randomness),
      groups: new EmbeddedGroupStore(database, { groups, avatars: groupAvatars, owners }),
      groupAvatars: new EmbeddedGroupAvatarStore(database, groups, groupAvatars),
      blobs,
      presence: new MemoryPresence(randomness),
      rateLimiter: new MemoryRateLimiter(clock),
      tickets: new MemoryTicketStore(clock),
      links: new MemoryLinkStore(),
      deviceCodes: new MemoryDeviceCodeStore(clock),
      close: async () => letGo(),
    };
  } catch (error) {
    letGo();
    throw storeFailure(error);
  }
}
