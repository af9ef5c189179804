export type { ChallengeSource } from './accounts/challenge.ts';
export type { ChangeNumberOptions } from './accounts/number-change.ts';
export type { PinContext, PinSource } from './accounts/pin.ts';
export type { ProfileChange, Profiles } from './accounts/profile.ts';
export type { Registered, RegisterOptions } from './accounts/registration.ts';
export type { RegistrationLock } from './accounts/registration-lock.ts';
export type { OpenProfile } from './accounts/sealed-profile.ts';
export type { CodeContext } from './accounts/verification-code.ts';
export { MemoryDisk } from './adapters/memory/memory-disk.ts';
export { memoryStore } from './adapters/memory/memory-store.ts';
export type { Chat } from './chats/chat.ts';
export type { MutedUntil } from './chats/chat-settings.ts';
export type { ChatPage, ChatSummary, Chats } from './chats/chats.ts';
export type { HistoryOptions, HistoryPage, SendOptions } from './chats/conversation.ts';
export type { GroupChat, GroupSettingsChange, OpenInviteOptions } from './chats/group-chat.ts';
export type { IdentityState, SafetyNumber } from './chats/identities.ts';
export { Client } from './client/client.ts';
export type { ClientOptions } from './client/client-options.ts';
export type { OwnAccount } from './client/own-account.ts';
export type { ScanResult } from './crypto/safety-number.ts';
export type { LinkableAccount, LinkDeviceOptions, Linked } from './devices/device-linking.ts';
export type { Devices, LinkOptions, OwnDevice } from './devices/devices.ts';
export type { SignalDrop } from './ephemeral/signal-reader.ts';
export type { ConnectionChange, EventOf, EventType, SottoEvent, TransientEvent } from './events/event.ts';
export type { EventConsumer } from './events/event-consumer.ts';
export type { EventOptions } from './events/event-hub.ts';
export type { GroupPerson } from './groups/group-candidates.ts';
export type { GroupAccess, GroupSettings } from './groups/group-details.ts';
export type { GroupInfo, GroupMemberInfo, GroupRequestInfo } from './groups/group-info.ts';
export type { GroupRole } from './groups/group-member.ts';
export type { CreateGroupOptions, GroupPreview, Groups } from './groups/groups.ts';
export type { Message } from './messages/message.ts';
export type { MessageProgress, RecipientProgress } from './messages/message-progress.ts';
export type { BlockedPerson } from './people/block-list.ts';
export type { People, Person } from './people/people.ts';
export type { Report, ReportedMessage, ReportHook, ReportOptions } from './people/report.ts';
export type { GroupNews } from './ports/event-records.ts';
export type { GroupStanding } from './ports/group-records.ts';
export type { ChatId, DeviceId, GroupId, MessageId, UserId } from './ports/ids.ts';
export type { IdentityPolicy } from './ports/key-records.ts';
export type { MessageState } from './ports/message-record.ts';
export {
  type SessionEnd,
  SottoError,
  type SottoErrorAction,
  type SottoErrorCode,
  type SottoErrorOptions,
} from './sotto-error.ts';
export type { ConnectionState, EndReason, OfflineReason } from './transport/connection-state.ts';
export type { CallOptions } from './transport/http-client.ts';
