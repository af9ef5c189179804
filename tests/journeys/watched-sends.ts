import { SealedMultiSends, SealedSends, type Send, toBase64Url, uuidToText } from '@sotto/proto';
import type { Fetch } from '@sotto/sdk/ports';
import type { JourneyWorld } from './journey-world.ts';
import type { Person, PersonOptions } from './person.ts';
import { TappedSockets } from './tapped-sockets.ts';

/** A request with sealed sends, as it left. */
export interface SealedPost {
  readonly to: string;
  readonly accessKey: Uint8Array;
  readonly count: number;
  /** Bytes of its ciphertexts. */
  readonly sizes: readonly number[];
  readonly authorization: string | undefined;
}

/** One message to many, as it left. */
export interface SealedToMany {
  readonly sendId: string;
  /** Whom it names, in their order. */
  readonly to: readonly string[];
  readonly authorization: string | undefined;
  /** How many left in the same request. */
  readonly together: number;
}

/** What becomes of a request with messages to many. */
export type ManyFate = 'passed' | 'answer-lost' | 'no-such-route';

/** Somebody of whom a test sees what leaves with their name on it, and what without. */
export class WatchedSends {
  readonly posts: SealedPost[] = [];
  readonly toMany: SealedToMany[] = [];
  readonly person: Person;
  /** What becomes of the next requests with messages to many. */
  fate: ManyFate = 'passed';
  readonly #sockets: TappedSockets;

  static async open(world: JourneyWorld, options: Partial<PersonOptions> = {}): Promise<WatchedSends> {
    const sockets = new TappedSockets(() => world.watch.changed());
    const posts: SealedPost[] = [];
    const tapped: Fetch = async (...asked) => {
      const post = sealedPost(asked);
      if (post !== undefined) posts.push(post);
      const many = sealedToMany(asked);
      if (many === undefined) return (fetch as unknown as Fetch)(...asked);
      watched?.toMany.push(...many);
      if (watched?.fate === 'no-such-route') return (fetch as unknown as Fetch)(`${asked[0]}/none`, asked[1]);
      const answer = await (fetch as unknown as Fetch)(...asked);
      if (watched?.fate === 'answer-lost') throw new TypeError('the answer is lost');
      return answer;
    };
    let watched: WatchedSends | undefined;
    const platform = { ...options.platform, fetch: tapped, sockets: sockets.factory };
    const person = world.newcomer({ ...options, platform });
    await person.open();
    await person.register();
    await person.live();
    watched = new WatchedSends(person, sockets, posts);
    return watched;
  }

  private constructor(person: Person, sockets: TappedSockets, posts: SealedPost[]) {
    this.person = person;
    this.#sockets = sockets;
    this.posts = posts;
  }

  /** Sends that left over the stream: the relay knows whose it is. */
  get named(): readonly Send[] {
    return this.#sockets.sends;
  }

  /** Bytes of each sealed ciphertext that left, in their order. */
  get sizes(): readonly number[] {
    return this.posts.flatMap(({ sizes }) => sizes);
  }

  /** How many sends left without a name. */
  get sealed(): number {
    return this.posts.reduce((sum, { count }) => sum + count, 0);
  }
}

function sealedToMany([url, init]: Parameters<Fetch>): readonly SealedToMany[] | undefined {
  if (new URL(String(url)).pathname !== '/v1/sealed/multi' || !(init?.body instanceof Uint8Array)) return undefined;
  const { sends } = SealedMultiSends.decode(init.body);
  const { authorization }: Readonly<Record<string, string>> = { ...init.headers };
  return sends.map(({ sendId, recipients }) => {
    const to = (recipients ?? []).map(({ userId }) => uuidToText(userId ?? new Uint8Array()));
    return { sendId: toBase64Url(sendId ?? new Uint8Array()), to, authorization, together: sends.length };
  });
}

function sealedPost([url, init]: Parameters<Fetch>): SealedPost | undefined {
  if (new URL(String(url)).pathname !== '/v1/sealed' || !(init?.body instanceof Uint8Array)) return undefined;
  const { userId, accessKey, sends } = SealedSends.decode(init.body);
  const headers: Readonly<Record<string, string>> = { ...init.headers };
  const sizes = sends.flatMap(({ devices }) => (devices ?? []).map(({ ciphertext }) => ciphertext?.length ?? 0));
  return { to: uuidToText(userId), accessKey, count: sends.length, sizes, authorization: headers.authorization };
}
