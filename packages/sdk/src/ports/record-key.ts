import type { RecordKeys, RecordKind } from './changes.ts';

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte < 16 ? `0${byte.toString(16)}` : byte.toString(16);
  return text;
}

const keys: { readonly [Kind in RecordKind]: (key: RecordKeys[Kind]) => string } = {
  account: () => '',
  registration: () => '',
  user: (key) => key.id,
  deviceList: (key) => key.userId,
  namedList: (key) => key.userId,
  declined: (key) => key.userId,
  identity: (key) => key.userId,
  session: (key) => `${key.userId}.${key.deviceId}`,
  prekey: (key) => `${key.kind}.${key.id}`,
  kyberUse: (key) => `${key.kyberId}.${key.signedId}.${hex(key.baseKey)}`,
  chat: (key) => key.id,
  stream: (key) => `${key.chatId}.${key.userId}.${key.deviceId}`,
  message: (key) => key.id,
  receipt: (key) => `${key.messageId}.${key.userId}`,
  outbox: (key) => String(key.id),
  outboxPart: (key) => String(key.id),
  seen: (key) => hex(key.key),
  held: (key) => hex(key.digest),
  event: (key) => String(key.changeSeq),
  cursor: (key) => key.name,
  resend: (key) => `${key.messageId}.${key.userId}.${key.deviceId}`,
  repair: (key) => `${key.userId}.${key.deviceId}`,
  ephemeralSecret: (key) => `${key.userId}.${key.direction}.${key.deviceId}`,
  group: (key) => key.id,
  groupMember: (key) => `${key.groupId}.${key.userId}`,
  groupKey: (key) => `${key.groupId}.${key.keyEpoch}.${hex(key.keyCommitment)}`,
  groupHead: (key) => `${key.groupId}.${key.revision}`,
  groupIntent: (key) => key.groupId,
  senderKey: (key) => `${key.userId}.${key.deviceId}.${key.distributionId}`,
  ownChain: (key) => key.groupId,
  senderKeyShared: (key) => `${key.distributionId}.${key.userId}.${key.deviceId}`,
  ownDevice: (key) => String(key.deviceId),
  listIntent: () => '',
  certificate: () => '',
};

/** The key of a record as one text, unique within its kind. Any record is a key of itself. */
export function recordKey<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): string {
  return keys[kind](key);
}
