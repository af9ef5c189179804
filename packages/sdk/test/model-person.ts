import type { GroupActor } from '../src/groups/device-proof.ts';
import type { GroupCandidate } from '../src/groups/group-member.ts';
import type { RebasingActor } from '../src/groups/rebase.ts';
import type { UserId } from '../src/ports/ids.ts';
import { GroupPerson } from './group-person.ts';
import { userIdOf } from './numbered-uuid.ts';

/** The device that is linked, and stolen, and revoked. */
export const stolen = 2;

const pool: GroupPerson[] = [];

/** Keys and signed lists of a person: version 1 has one device, 2 the stolen one too, 3 the first alone. Made once, since keys are dear and runs many. */
function accountOf(number: number): GroupPerson {
  for (let next = pool.length; next <= number; next++) {
    const person = new GroupPerson(userIdOf(next + 1));
    person.linkDevice(stolen);
    person.revokeDevice(stolen);
    pool.push(person);
  }
  const person = pool[number];
  if (person === undefined) throw new Error('nobody is there');
  return person;
}

/** A person in one run of a model: how many versions of its device list are out yet. */
export class ModelPerson {
  readonly #account: GroupPerson;
  readonly userId: UserId;
  readonly rootPublicKey: Uint8Array;
  version = 1;

  constructor(number: number) {
    this.#account = accountOf(number);
    this.userId = this.#account.userId;
    this.rootPublicKey = this.#account.rootPublicKey;
  }

  /** Acts by a device, under the list of a version. */
  actor(deviceId = 1, version = this.version): GroupActor {
    return this.#account.actor(deviceId, version);
  }

  /** The same as one who makes a change again. */
  get rebasing(): RebasingActor {
    return { actor: this.userId, list: { rootKey: this.rootPublicKey, version: this.version } };
  }

  candidate(): GroupCandidate {
    return { ...this.#account.candidate(), deviceListVersion: this.version };
  }
}
