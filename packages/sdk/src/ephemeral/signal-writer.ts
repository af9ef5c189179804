import { type ClientFrameFields, type EphemeralSignalFields, uuidToBytes } from '@sotto/proto';
import { chatWith } from '../chats/chat-state.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { listedDevices } from '../devices/accepted-list.ts';
import { hasBlocked } from '../people/blocked.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceAddress, UserId } from '../ports/ids.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { Store } from '../ports/store.ts';
import { runBytes, SignalCipher } from './signal-cipher.ts';

/** The most devices whose keys are kept. */
const mostKeys = 1_024;

interface OutgoingKey {
  readonly secret: Uint8Array;
  readonly cipher: SignalCipher;
  counter: number;
}

/** Seals signals for people. Its run is new with each start, so that no counter is used twice and none is stored. */
export class SignalWriter {
  private readonly store: Pick<Store, 'get'>;
  private readonly self: () => DeviceAddress;
  private readonly clock: Clock;
  private readonly transmit: (frames: readonly ClientFrameFields[]) => boolean;
  private readonly randomness: Randomness;
  private run: Uint8Array;
  private readonly keys = new Map<string, OutgoingKey>();

  constructor(parts: {
    readonly store: Pick<Store, 'get'>;
    readonly self: () => DeviceAddress;
    readonly clock: Clock;
    readonly randomness: Randomness;
    /** False when the stream is not open: then it is lost, as it should be. */
    readonly transmit: (frames: readonly ClientFrameFields[]) => boolean;
  }) {
    this.store = parts.store;
    this.self = parts.self;
    this.clock = parts.clock;
    this.transmit = parts.transmit;
    this.randomness = parts.randomness;
    this.run = parts.randomness.bytes(runBytes);
  }

  /**
   * Tells a person, on all their devices, if this user has accepted their chat, has not blocked them, and they were given a secret; else nothing.
   * @throws {SottoError} what the store throws
   */
  async tell(userId: UserId, signal: EphemeralSignalFields): Promise<void> {
    const self = this.self();
    const [chat, secret, identity, list] = await Promise.all([
      this.store.get('chat', { id: chatWith(userId) }),
      this.store.get('ephemeralSecret', { userId, direction: 'out', deviceId: self.deviceId }),
      this.store.get('identity', { userId }),
      this.store.get('deviceList', { userId }),
    ]);
    if (!chat?.accepted || secret === undefined || identity === undefined || list === undefined) return;
    if (!sameBytes(secret.identityKey, identity.key) || (await hasBlocked(this.store, userId))) return;
    const timed = { sentAt: this.clock.now(), ...signal };
    const user = uuidToBytes(userId);
    const frames = listedDevices(list).map(({ deviceId }) => ({
      ephemeral: { userId: user, deviceId, payload: this.seal({ userId, deviceId }, secret.secret, timed) },
    }));
    this.transmit(frames);
  }

  private seal(to: DeviceAddress, secret: Uint8Array, signal: EphemeralSignalFields): Uint8Array {
    const key = this.keyFor(to, secret);
    key.counter++;
    return key.cipher.seal(signal, { run: this.run, counter: key.counter });
  }

  private keyFor(to: DeviceAddress, secret: Uint8Array): OutgoingKey {
    const name = `${to.userId}.${to.deviceId}`;
    const known = this.keys.get(name);
    if (known !== undefined && sameBytes(known.secret, secret)) return known;
    if (this.keys.size >= mostKeys) {
      // A key that comes again must not begin to count at one: all begin anew, in a new run.
      this.keys.clear();
      this.run = this.randomness.bytes(runBytes);
    }
    const made = { secret, cipher: new SignalCipher(secret, this.run, this.self(), to), counter: 0 };
    this.keys.set(name, made);
    return made;
  }
}
