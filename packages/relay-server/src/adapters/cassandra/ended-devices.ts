import { deviceKeyOf } from '../../dispatch/device-key.ts';
import type { NumberMac } from '../../ports/ids.ts';
import type { MailLedger } from '../../ports/mail-ledger.ts';
import type { PendingStore } from '../../ports/pending-store.ts';
import { allDone } from './all-done.ts';
import type { GoneHooks } from './device-eraser.ts';
import type { GroupMemberships } from './group-memberships.ts';

/** Where something is kept of devices and accounts, beside their own rows. */
export interface EndedDeviceParts {
  readonly pending: Pick<PendingStore, 'forget'>;
  readonly ledger: Pick<MailLedger, 'forget'>;
  readonly memberships: Pick<GroupMemberships, 'forgetUser'>;
  /** Verification codes. */
  readonly codes: { forgetNumber(numberMac: NumberMac): Promise<void> };
}

/**
 * What is forgotten with a device (mail that waits for it, and how much that is), and with an account (that it is in groups, and the code of its number when its owner ended it).
 *
 * Each may be called again, also on several nodes at once. When one engine does not answer the other one forgets nevertheless, and the call fails, so that it is tried again. Nothing that is left until then can be read: another device under the same address has another incarnation.
 */
export function endedDevices({ pending, ledger, memberships, codes }: EndedDeviceParts): GoneHooks {
  return {
    async deviceGone(address, incarnation) {
      const device = { ...address, incarnation };
      await allDone([pending.forget(deviceKeyOf(device)), ledger.forget(device)]);
    },
    async userGone(userId, { at, reason, numberMac }) {
      const isOwnWish = reason === 'deleted';
      await allDone([
        memberships.forgetUser(userId, at),
        isOwnWish && codes.forgetNumber(new Uint8Array(numberMac) as NumberMac),
      ]);
    },
  };
}
