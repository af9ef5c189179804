import { refuseWhenEnded } from '../accounts/standing.ts';
import type { Executor } from '../crypto/executor.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupId } from '../ports/ids.ts';
import { SottoError } from '../sotto-error.ts';
import { requestGroupInvitation } from '../transport/group-calls.ts';
import type { AuthorizedClient, CallOptions } from '../transport/http-client.ts';
import { advance } from './group-advance.ts';
import { groupIdOf } from './group-id.ts';
import { groupLock } from './group-lock.ts';
import { inviteInvalid, inviteWaits } from './group-refusal.ts';
import { openInviteBox } from './invite-box.ts';
import { type InviteLink, inviteToken } from './invite-link.ts';
import { keepStart, locksOfGroup } from './keep-group.ts';
import type { KnownGroup } from './known-group.ts';
import { keySource } from './stored-group.ts';

/** The most pages of a log behind one box: members put a new box often enough. */
const mostPages = 64;

/** What looking at links works with. */
export interface InvitationParts {
  readonly executor: Executor;
  readonly http: AuthorizedClient;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
}

/** Groups as whoever has their link sees them. */
export class GroupInvitations {
  private readonly parts: InvitationParts;

  constructor(parts: InvitationParts) {
    this.parts = parts;
  }

  /**
   * What a link leads to, as it is now: the box that members put behind it, and the log since then.
   * @throws {SottoError} `invite-invalid`, `group-changed` with `retryable` (it can't be read with this link now: admins put it right when they are connected), and as AuthorizedClient
   */
  async look(link: InviteLink, options: CallOptions = {}): Promise<KnownGroup> {
    const { http, origin } = this.parts;
    const { account, sha256 } = origin();
    const token = inviteToken(link);
    const ask = (after: number) => requestGroupInvitation(http, link.wireId, token, after, options).catch(unknownLink);
    let page = await ask(0);
    const known = openInviteBox(page.box, link, sha256);
    if (known === undefined) throw inviteInvalid();
    const { keyCommitment } = known.at.state;
    const keys = keySource([{ ...known.key, keyCommitment }]);
    let { at } = known;
    for (let pages = 0; pages < mostPages; pages++) {
      const next = page.records.slice(Math.max(0, at.state.revision + 1 - page.firstRevision));
      const step = advance(at, next, account.userId, keys, sha256);
      at = step.at;
      if (step.missing.length > 0) throw inviteWaits();
      if (at.state.revision >= page.lastRevision || step.steps.length === 0) break;
      page = await ask(at.state.revision);
    }
    const { invite } = at.state;
    if (invite === undefined || !sameBytes(invite.key, link.inviteKey)) throw inviteInvalid();
    return { at, key: known.key };
  }

  /** Keeps a group that this user wants to come into, so that the change which lets them in can be made. */
  async keep(known: KnownGroup): Promise<void> {
    const { executor, origin, clock } = this.parts;
    const { account, sha256 } = origin();
    const groupId = groupIdOf(known.at.state.wireId, sha256);
    const people = known.at.state.members.map(({ userId }) => userId);
    await executor.run(locksOfGroup(groupId, people), async (overlay) => {
      await refuseWhenEnded(overlay);
      const group = await overlay.get('group', { id: groupId });
      if (group?.standing === 'member') return;
      if (group !== undefined && !sameBytes(group.wireId, known.at.state.wireId)) throw inviteInvalid();
      const keeping = { self: account.userId, now: clock.now(), sha256 };
      await keepStart(overlay, known, { standing: 'requested', accepted: true }, keeping);
    });
  }

  /** Forgets a group into which this user could not come. */
  async forget(groupId: GroupId): Promise<void> {
    await this.parts.executor.run([groupLock(groupId)], async (overlay) => {
      const group = await overlay.get('group', { id: groupId });
      if (group?.standing !== 'requested') return;
      // Without its chat, which begins with the membership, nothing leads to the rest.
      overlay.delete('group', { id: groupId });
    });
  }
}

function unknownLink(error: unknown): never {
  if (error instanceof SottoError && error.code === 'group-unknown') throw inviteInvalid(error);
  throw error;
}
