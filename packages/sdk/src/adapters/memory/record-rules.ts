import type { RecordKeys, RecordKind, Records } from '../../ports/changes.ts';
import { SottoError } from '../../sotto-error.ts';

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const uuidFields = new Set([
  'userId',
  'chatId',
  'groupId',
  'messageId',
  'lastMessageId',
  'senderId',
  'receiverId',
  'recipient',
  'adminId',
  'distributionId',
]);
const uuidKinds: ReadonlySet<RecordKind> = new Set(['user', 'chat', 'message', 'group', 'groupMember']);

function refuse(kind: RecordKind, rule: string): never {
  throw new SottoError(
    'argument-invalid',
    `A ${kind} record breaks a rule: ${rule}. Nothing was stored; mend the record.`,
  );
}

const rules: { readonly [Kind in RecordKind]?: (record: Records[Kind]) => void } = {
  user: ({ username }) => {
    if ([...username].length > 50) refuse('user', 'username has at most 50 characters');
  },
  chat: ({ userId, groupId }) => {
    if ((userId === undefined) === (groupId === undefined)) refuse('chat', 'exactly one of userId and groupId is set');
  },
  message: ({ receiverId, groupId, nonce, text, hasFiles, unknownContent }) => {
    if ((receiverId === undefined) === (groupId === undefined)) {
      refuse('message', 'exactly one of receiverId and groupId is set');
    }
    if (text === '' && !hasFiles && unknownContent === undefined) {
      refuse('message', 'it has a text, or files, or an unknown content');
    }
    if (nonce.length !== 16) refuse('message', 'nonce has 16 bytes');
  },
  outbox: ({ recipient, groupId }) => {
    if (recipient === undefined && groupId === undefined) refuse('outbox', 'recipient or groupId is set');
  },
  group: ({ title, wireId }) => {
    if ([...title].length > 25) refuse('group', 'title has at most 25 characters');
    if (wireId.length !== 32) refuse('group', 'wireId has 32 bytes');
  },
  certificate: ({ trustRoots }) => {
    if (trustRoots.some((root) => root.length !== 33)) refuse('certificate', 'each of trustRoots has 33 bytes');
  },
};

function checkFields(kind: RecordKind, fields: object): void {
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) refuse(kind, `${name} is an integer`);
    if ((name === 'deviceId' || name === 'senderDevice') && !(value >= 1 && value <= 127)) {
      refuse(kind, `${name} is in 1..127`);
    }
    const isUuid = uuidFields.has(name) || (name === 'id' && uuidKinds.has(kind));
    if (isUuid && value !== undefined && !uuidForm.test(value)) refuse(kind, `${name} is a UUID in lower case`);
    if (Array.isArray(value)) for (const item of value) checkFields(kind, item);
    else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) checkFields(kind, value);
  }
}

/**
 * Refuses a record that no store takes: the study's rules of consistency.
 * @throws {SottoError} `argument-invalid`
 */
export function checkRecord<Kind extends RecordKind>(kind: Kind, record: Records[Kind]): void {
  checkFields(kind, record);
  rules[kind]?.(record);
}

/**
 * Refuses a key that can't belong to any record.
 * @throws {SottoError} `argument-invalid`
 */
export function checkKey<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): void {
  checkFields(kind, key);
}
