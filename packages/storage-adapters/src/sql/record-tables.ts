import type { RecordKind } from '@sotto/sdk/ports';
import type { RecordTable } from './record-table.ts';
import { accountTable, registrationTable } from './tables/account-tables.ts';
import { chatTable, streamTable } from './tables/chat-tables.ts';
import { certificateTable, listIntentTable, ownDeviceTable } from './tables/device-tables.ts';
import { ephemeralSecretTable } from './tables/ephemeral-table.ts';
import { cursorTable, eventTable } from './tables/event-tables.ts';
import {
  groupHeadTable,
  groupIntentTable,
  groupKeyTable,
  groupMemberTable,
  groupTable,
} from './tables/group-tables.ts';
import { heldTable, seenTable } from './tables/inbox-tables.ts';
import { identityTable, kyberUseTable, prekeyTable, sessionTable } from './tables/key-tables.ts';
import { messageTable, receiptTable } from './tables/message-tables.ts';
import { outboxPartTable, outboxTable } from './tables/outbox-table.ts';
import { repairTable, resendTable } from './tables/repair-tables.ts';
import { ownChainTable, senderKeySharedTable, senderKeyTable } from './tables/sender-key-tables.ts';
import { declinedTable, deviceListTable, namedListTable, userTable } from './tables/user-tables.ts';

/** Every kind of record with its table. */
export const recordTables: { readonly [Kind in RecordKind]: RecordTable<Kind> } = {
  account: accountTable,
  registration: registrationTable,
  user: userTable,
  deviceList: deviceListTable,
  namedList: namedListTable,
  declined: declinedTable,
  identity: identityTable,
  session: sessionTable,
  prekey: prekeyTable,
  kyberUse: kyberUseTable,
  chat: chatTable,
  stream: streamTable,
  message: messageTable,
  receipt: receiptTable,
  outbox: outboxTable,
  outboxPart: outboxPartTable,
  seen: seenTable,
  held: heldTable,
  event: eventTable,
  cursor: cursorTable,
  resend: resendTable,
  repair: repairTable,
  ephemeralSecret: ephemeralSecretTable,
  group: groupTable,
  groupMember: groupMemberTable,
  groupKey: groupKeyTable,
  groupHead: groupHeadTable,
  groupIntent: groupIntentTable,
  senderKey: senderKeyTable,
  ownChain: ownChainTable,
  senderKeyShared: senderKeySharedTable,
  ownDevice: ownDeviceTable,
  listIntent: listIntentTable,
  certificate: certificateTable,
};
