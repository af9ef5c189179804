/** The text of every query over many records; a test holds each to its index. */
export const storeSql = {
  messagesBefore:
    'SELECT * FROM message WHERE chat_id = ? AND (position, seq) < (?, ?) ORDER BY position DESC, seq DESC, id DESC LIMIT ?',
  messagesAfter:
    'SELECT * FROM message WHERE chat_id = ? AND (position, seq) > (?, ?) ORDER BY position, seq, id LIMIT ?',
  unread:
    "SELECT * FROM message WHERE chat_id = ? AND state = 'received' AND (position, seq) <= (?, ?) ORDER BY position, seq, id LIMIT ?",
  expiring: 'SELECT * FROM message WHERE state = ? AND expires_at < ? ORDER BY expires_at, id LIMIT ?',
  receipts: 'SELECT * FROM receipt WHERE message_id = ? ORDER BY user_id',
  userByNumber: "SELECT * FROM user WHERE number = ? AND number <> '' ORDER BY updated_at DESC, id DESC LIMIT 1",
  blockedUsers: 'SELECT * FROM user WHERE blocked_at IS NOT NULL ORDER BY blocked_at DESC, id',
  declined: 'SELECT * FROM declined WHERE at < ? ORDER BY at, user_id LIMIT ?',
  chats: 'SELECT * FROM chat WHERE activity < ? ORDER BY activity DESC, id DESC LIMIT ?',
  outbox: 'SELECT * FROM outbox WHERE chat_id = ? AND id > ? ORDER BY id LIMIT ?',
  outboxOfGroup: 'SELECT * FROM outbox WHERE message_id = ? AND group_id IS NOT NULL ORDER BY id',
  outboxChats: 'SELECT DISTINCT chat_id FROM outbox ORDER BY chat_id',
  events: 'SELECT * FROM event WHERE change_seq > ? ORDER BY change_seq LIMIT ?',
  slowestCursor: 'SELECT change_seq FROM cursor INDEXED BY cursor_place WHERE expired = 0 ORDER BY change_seq LIMIT 1',
  held: 'SELECT * FROM held WHERE arrival > ? ORDER BY arrival LIMIT ?',
  heldUsage: 'SELECT sender, count(*) AS count, sum(bytes) AS bytes FROM held GROUP BY sender',
  heldOf: 'SELECT * FROM held WHERE sender = ? ORDER BY mendable, arrival LIMIT ?',
  heldAttempts: 'SELECT * FROM held WHERE message_id = ? ORDER BY digest LIMIT ?',
  heldRequests: 'SELECT * FROM held WHERE request_at IS NOT NULL ORDER BY request_at, digest LIMIT ?',
  idleCursors: 'SELECT * FROM cursor WHERE expired = 0 AND used_at < ? ORDER BY used_at, name LIMIT ?',
  prekeys: 'SELECT * FROM prekey ORDER BY created_at, kind, id',
  groups: 'SELECT * FROM "group" WHERE id > ? ORDER BY id LIMIT ?',
  groupRequests:
    'SELECT * FROM chat INDEXED BY chat_group_request WHERE group_id IS NOT NULL AND accepted = 0 ORDER BY activity DESC, id DESC LIMIT ?',
  groupsBehind:
    'SELECT * FROM "group" INDEXED BY group_behind WHERE known_revision > revision OR waiting_epoch IS NOT NULL',
  groupMembers: 'SELECT * FROM user_group WHERE group_id = ? ORDER BY user_id',
  groupsWith: 'SELECT * FROM user_group WHERE user_id = ? ORDER BY group_id',
  groupKeys: 'SELECT * FROM group_key WHERE group_id = ? ORDER BY key_epoch, key_commitment',
  groupIntents: 'SELECT * FROM group_intent ORDER BY group_id',
  senderKeys:
    'SELECT * FROM sender_key WHERE group_id = ? AND user_id = ? AND device_id = ? ORDER BY created_at, distribution_id',
  senderKeyShared: 'SELECT * FROM sender_key_shared WHERE distribution_id = ? ORDER BY user_id, device_id',
  heldOfGroup: 'SELECT * FROM held WHERE group_id = ? AND arrival > ? ORDER BY arrival LIMIT ?',
  pruneSeen: 'DELETE FROM seen WHERE at < ?',
  pruneKyberUse: 'DELETE FROM kyber_use WHERE used_at < ?',
  pruneResend: 'DELETE FROM resend WHERE at < ?',
  pruneEvent: 'DELETE FROM event WHERE change_seq <= ?',
  pruneGroupHead: 'DELETE FROM group_head WHERE group_id = ? AND revision < ?',
  pruneSenderKeyShared: 'DELETE FROM sender_key_shared WHERE distribution_id = ?',
} as const;
