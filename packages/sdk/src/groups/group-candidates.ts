import { isUuid } from '@sotto/proto';
import { demand, isObject } from '../option-rules.ts';
import { refuseWhenBlocked } from '../people/blocked.ts';
import type { UserId } from '../ports/ids.ts';
import type { Store } from '../ports/store.ts';
import { byUserId } from './canonical.ts';
import type { GroupCandidate } from './group-member.ts';

/** Somebody, by their id or by the chat with them. */
export type GroupPerson = UserId | { readonly userId: UserId };

/**
 * The ids of people, each once.
 * @throws {SottoError} `argument-invalid`
 */
export function idsOf(call: string, people: readonly GroupPerson[]): readonly UserId[] {
  demand(Array.isArray(people), `${call} takes a list of people: user ids, or the chats with them`);
  return [...new Set(people.map((person) => idOf(call, person)))];
}

/**
 * The id of somebody.
 * @throws {SottoError} `argument-invalid`
 */
export function idOf(call: string, person: GroupPerson): UserId {
  const userId: unknown = isObject(person) && 'userId' in person ? person.userId : person;
  demand(typeof userId === 'string' && isUuid(userId), `${call} takes people: user ids, or the chats with them`);
  return userId as UserId;
}

/**
 * People as groups know them: by their root key, the version of their device list, and their profile key. Whose devices are not known here is asked for.
 * @throws {SottoError} `blocked` (this user has blocked one of them), `user-unknown`, `device-list-invalid`, `device-list-forked`, and as AuthorizedClient
 */
export async function candidatesOf(
  userIds: readonly UserId[],
  store: Store,
  learnDevices: (userId: UserId) => Promise<void>,
): Promise<readonly GroupCandidate[]> {
  const candidates: GroupCandidate[] = [];
  for (const userId of userIds) await refuseWhenBlocked(store, userId);
  for (const userId of userIds) {
    let list = await store.get('deviceList', { userId });
    if (list === undefined) {
      await learnDevices(userId);
      list = await store.get('deviceList', { userId });
    }
    if (list === undefined) continue;
    const user = await store.get('user', { id: userId });
    const { rootKey, version } = list;
    candidates.push({ userId, rootKey, deviceListVersion: version, profileKey: user?.profileKey });
  }
  return byUserId(candidates);
}
