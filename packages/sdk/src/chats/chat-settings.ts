import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { demand } from '../option-rules.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChatId } from '../ports/ids.ts';
import { ownQueue, tellOfChat } from '../sync/own-sync.ts';
import { chatLock } from './chat-state.ts';

/** Until when a chat is muted: a time in milliseconds since the Unix epoch by this device's clock, or for ever. */
export type MutedUntil = number | 'forever';

/** What stands for ever in a record. */
const forever = Number.MAX_SAFE_INTEGER;

/** Whether a chat is muted now. */
export function isMuted({ mutedUntil }: Pick<ChatRecord, 'mutedUntil'>, now: number): boolean {
  return mutedUntil !== undefined && now < mutedUntil;
}

/** Until when a chat is muted; undefined when it is not, or not any more. */
export function mutedUntilOf(chat: Pick<ChatRecord, 'mutedUntil'>, now: number): MutedUntil | undefined {
  if (!isMuted(chat, now)) return undefined;
  return chat.mutedUntil === forever ? 'forever' : chat.mutedUntil;
}

/** Whether receipts are given in a chat: as it says itself, else as the client says. */
export function givesReceipts(chat: Pick<ChatRecord, 'receipts'> | undefined, ofClient: boolean): boolean {
  return chat?.receipts ?? ofClient;
}

/** What the settings of one chat work with. */
export interface ChatSettingsParts {
  readonly executor: Executor;
  readonly outbox: { wake(chatId: ChatId): void };
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
}

/** A chat whose settings change: how to open it, in the operation that holds its lock. */
export interface SettingsOf {
  readonly id: ChatId;
  open(overlay: Overlay, now: number): Promise<ChatRecord>;
}

/**
 * Mutes a chat until a time, for ever, or no more (`undefined`). Events of it come as before, and say so: showing them is the app's.
 * @throws {SottoError} `argument-invalid`, and what `chat.open` throws
 */
export function muteChat(parts: ChatSettingsParts, chat: SettingsOf, until: MutedUntil | undefined): Promise<void> {
  const mutedUntil = until === 'forever' ? forever : until;
  demand(
    mutedUntil === undefined || (Number.isSafeInteger(mutedUntil) && mutedUntil > parts.clock.now()),
    "mute takes a time to come, in milliseconds since 1970 (Date.now() + 3_600_000 for an hour from now), 'forever', or undefined for no more",
  );
  return changeSettings(parts, chat, { mutedUntil });
}

/**
 * Says whether receipts are given in this chat; `undefined`: as the client says.
 * @throws {SottoError} `argument-invalid`, and what `chat.open` throws
 */
export function setChatReceipts(
  parts: ChatSettingsParts,
  chat: SettingsOf,
  receipts: boolean | undefined,
): Promise<void> {
  demand(receipts === undefined || typeof receipts === 'boolean', 'setReceipts takes true, false or undefined');
  return changeSettings(parts, chat, { receipts });
}

async function changeSettings(
  { executor, outbox, origin, clock }: ChatSettingsParts,
  { id, open }: SettingsOf,
  change: Partial<Pick<ChatRecord, 'mutedUntil' | 'receipts'>>,
): Promise<void> {
  const told = await executor.run([chatLock(id)], async (overlay) => {
    const now = clock.now();
    const chat = await open(overlay, now);
    const changed = { ...chat, ...change };
    if (changed.mutedUntil === chat.mutedUntil && changed.receipts === chat.receipts) return false;
    overlay.put('chat', { ...changed, updatedAt: now });
    overlay.record({ type: 'chat.changed', chatId: id });
    return tellOfChat(overlay, origin, changed, now);
  });
  if (told) outbox.wake(ownQueue(origin().account));
}
