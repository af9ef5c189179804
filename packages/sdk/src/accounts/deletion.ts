import type { Executor } from '../crypto/executor.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { StoreQueries } from '../ports/store.ts';
import { requestDeletion } from '../transport/account-calls.ts';
import type { AuthorizedClient, CallOptions } from '../transport/http-client.ts';
import { proofOf } from './account-proof.ts';
import { forgetFormerIdentity } from './former-identity.ts';

/**
 * Ends the own account at the relay, then here, in one commit: its secrets are overwritten, prekeys and sessions deleted, and what had not left is `failed`. People and history stay.
 * @throws {SottoError} `not-registered`, `session-ended` (the account has ended already), and as AuthorizedClient
 */
export async function deleteAccount(
  parts: {
    readonly executor: Executor;
    readonly queries: StoreQueries;
    readonly http: AuthorizedClient;
    readonly account: () => AccountRecord;
    readonly sha256: Sha256;
  },
  options: CallOptions = {},
): Promise<void> {
  const { executor, queries, http, account, sha256 } = parts;
  const { userId } = account();
  await requestDeletion(http, { proof: proofOf(account(), 'delete', new Uint8Array(), sha256) }, options);
  await executor.run(['account', 'prekeys'], async (overlay) => {
    const own = await overlay.get('account', {});
    if (own === undefined || own.userId !== userId) return;
    await forgetFormerIdentity(overlay, queries, own, own, sha256);
    const nothing = new Uint8Array(32);
    overlay.put('account', {
      ...own,
      identityKeyPair: new Uint8Array(own.identityKeyPair.length),
      devicePrivateKey: nothing,
      rootSecret: nothing,
      profileKey: nothing,
      refreshToken: nothing,
      nextRefreshToken: undefined,
      accessToken: '',
      ended: true,
    });
    overlay.record({ type: 'account.deleted', userId });
  });
}
