import { fromBase64Url, toBase64Url } from '@sotto/proto';
import { sameBytes } from '../src/crypto/same-bytes.ts';
import { decodeRecord } from '../src/groups/group-record.ts';
import type { UserId } from '../src/ports/ids.ts';
import { SottoError } from '../src/sotto-error.ts';
import type { AuthorizedClient, HttpRequest } from '../src/transport/http-client.ts';

interface Kept {
  readonly records: Uint8Array[];
  readonly members: Set<UserId>;
  /** Whom an append or a repair has removed: they read on, as for seven days at a relay. */
  readonly former: Set<UserId>;
  checkpoint: { readonly revision: number; readonly checkpoint: string } | undefined;
  invite: { readonly tokenHash: string; readonly revision: number; readonly box: string } | undefined;
}

/** A page of a log, as the relay answers. */
export interface LogPage {
  readonly records: readonly Uint8Array[];
  readonly firstRevision: number;
  readonly lastRevision: number;
}

/** The group part of a relay, in memory: orders records, keeps the table. What it answers can be changed. */
export class GroupService {
  readonly groups = new Map<string, Kept>();
  /** Encrypted avatars, by group and location. */
  readonly avatars = new Map<string, Uint8Array>();
  /** Where the avatar of a group stands, as the last append said. */
  readonly named = new Map<string, string | null | undefined>();
  /** What was asked: method and path without the group. */
  readonly asked: string[] = [];
  /** Records in a page. */
  pageSize = 100;
  /** Gives what is answered in place of a page. */
  tamper: (page: LogPage) => LogPage = (page) => page;
  /** Whose accounts have ended: the table leaves them out, and there is no list of their devices. */
  readonly gone = new Set<UserId>();
  /** Whom the table leaves out, though they have an account. */
  readonly keptOut = new Set<UserId>();
  /** Called before a request is answered: throws in its place, or does something first. */
  before: (request: string, who: UserId) => void | Promise<void> = () => undefined;
  /** Called when a request was done: throws in place of the answer. */
  after: (request: string) => void = () => undefined;

  /** How one account asks. */
  clientOf(who: UserId): AuthorizedClient {
    return {
      authorized: async <T>(request: HttpRequest<T>): Promise<T> => {
        request.signal?.throwIfAborted();
        const [, , , wireId = '', ...rest] = request.path.split(/[/?]/);
        const ofUser = request.path.startsWith('/v1/users/');
        const name = `${request.method} ${ofUser || request.path.startsWith('/v1/groups/') ? rest[0] : 'groups'}`;
        this.asked.push(name);
        await this.before(name, who);
        const answer = ofUser
          ? this.#devices(wireId as UserId)
          : this.#answer(name, wireId, rest[1], request.body, who);
        this.after(name);
        if (request.answer.type === 'bytes') return request.answer.read(answer as Uint8Array);
        return request.answer.type === 'json' ? request.answer.shape(answer) : (undefined as T);
      },
    };
  }

  /** What is kept of a group. */
  of(wireId: Uint8Array): Kept {
    return this.#kept(toBase64Url(wireId));
  }

  #answer(name: string, wireId: string, query: string | undefined, body: unknown, who: UserId): unknown {
    const sent = typeof body === 'string' ? JSON.parse(body) : {};
    if (name === 'POST records') return this.#append(wireId, sent, who);
    if (name === 'GET groups') {
      const own = [...this.groups].filter(([, { members }]) => members.has(who));
      return { groups: own.map(([groupId, { records }]) => ({ groupId, revision: records.length })) };
    }
    if (name === 'PUT avatars') {
      if (this.groups.get(wireId)?.members.has(who) === false) throw refused('group-unknown');
      this.avatars.set(`${wireId} ${query}`, body as Uint8Array);
      return undefined;
    }
    const kept = this.#kept(wireId);
    if (name === 'POST avatars') return this.#avatar(wireId, query);
    if (name === 'POST invitation') {
      return Object.assign({}, this.#page(kept, 0), { box: kept.invite?.box });
    }
    const reads = kept.former.has(who) && (name === 'GET records' || name === 'GET members');
    if (!kept.members.has(who) && !reads && name !== 'POST members') throw refused('group-unknown');
    if (name === 'GET avatars') return this.#avatar(wireId, query);
    if (name === 'GET records') return this.#page(kept, Number(query?.replace('after=', '')));
    if (name === 'POST members')
      change(kept, { ...sent, added: sent.added.filter((id: UserId) => !this.gone.has(id) && !this.keptOut.has(id)) });
    if (name.endsWith('members')) return { members: [...kept.members] };
    if (name === 'PUT checkpoint') kept.checkpoint = sent;
    if (name === 'GET checkpoint') return kept.checkpoint ?? refusedNow('group-unknown');
    if (name === 'PUT invite') kept.invite = sent;
    if (name === 'DELETE invite') kept.invite = undefined;
    return undefined;
  }

  #devices(userId: UserId): unknown {
    if (this.gone.has(userId)) throw new SottoError('user-unknown', 'the relay knows no such account');
    return { deviceList: 'AA' };
  }

  #avatar(wireId: string, location = ''): Uint8Array {
    const bytes = this.avatars.get(`${wireId} ${location}`);
    if (bytes === undefined) throw new SottoError('relay-refused', 'nothing stands there', { relayCode: 'not-found' });
    return bytes;
  }

  #append(
    wireId: string,
    sent: { record: string; added: UserId[]; removed: UserId[]; avatar?: string | null },
    who: UserId,
  ): unknown {
    const record = fromBase64Url(sent.record);
    const revision = decodeRecord(record)?.revision ?? 0;
    if (revision === 1 && !this.groups.has(wireId)) {
      this.groups.set(wireId, {
        records: [],
        members: new Set([who]),
        former: new Set(),
        checkpoint: undefined,
        invite: undefined,
      });
    }
    const kept = this.#kept(wireId);
    const there = kept.records[revision - 1];
    if (there !== undefined && sameBytes(there, record)) return { revision };
    if (!kept.members.has(who)) throw refused('group-unknown');
    if (revision !== kept.records.length + 1) throw refused('group-changed');
    kept.records.push(record);
    if (sent.avatar !== undefined) this.named.set(wireId, sent.avatar);
    change(kept, sent);
    return { revision };
  }

  #page({ records }: Kept, after: number): unknown {
    const honest = { records: records.slice(after), firstRevision: after + 1, lastRevision: records.length };
    const { records: shown, firstRevision, lastRevision } = this.tamper(honest);
    return { records: shown.slice(0, this.pageSize).map(toBase64Url), firstRevision, lastRevision };
  }

  #kept(wireId: string): Kept {
    return this.groups.get(wireId) ?? refusedNow('group-unknown');
  }
}

/** What a relay refuses a request with. */
export function refused(code: 'group-unknown' | 'group-changed' | 'group-full'): SottoError {
  return new SottoError(code, 'the relay refused it', { relayCode: code });
}

/** A relay that can't be reached. */
export function unreachable(): SottoError {
  return new SottoError('relay-unreachable', 'the relay is not there', { retryable: true });
}

function refusedNow(code: Parameters<typeof refused>[0]): never {
  throw refused(code);
}

function change(
  { members, former }: Kept,
  { added, removed }: { readonly added: UserId[]; readonly removed: UserId[] },
): void {
  for (const userId of added) members.add(userId);
  for (const userId of removed) {
    members.delete(userId);
    former.add(userId);
  }
}
