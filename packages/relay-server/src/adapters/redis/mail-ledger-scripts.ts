import { redisScript } from './redis-script.ts';

/** For how many entries of a device it is looked up which is the oldest, and how many a step of a sweep looks at. */
const lookedAt = 1_000;

/**
 * `KEYS[1]` is the index, the others are hashes of devices: entries by id, and under the empty id what is known of all of them.
 *
 * That is: count, bytes, the same of strangers; when the oldest was accepted, and whether only not later is known; the earliest end that a sweep under way has seen so far, and where it goes on (`0`: none is under way).
 */
const book = `
local function open(key)
  local known = redis.call('HGET', key, '')
  if not known then
    return { key = key, count = 0, bytes = 0, strangers = 0, strangerBytes = 0, oldest = 0, isStale = 0, soonest = 0, cursor = '0' }
  end
  local book, at = { key = key }, 0
  book.count, book.bytes, book.strangers, book.strangerBytes, book.oldest, book.isStale, book.soonest, at =
    struct.unpack('>I4I6I4I6I6BI6', known)
  book.cursor = string.sub(known, at)
  return book
end

local function entryOf(packed)
  local word, acceptedAt, expiresAt = struct.unpack('>I4I6I6', packed)
  local stranger = word % 2
  return (word - stranger) / 2, stranger, acceptedAt, expiresAt
end

local function countOut(book, size, stranger, acceptedAt)
  book.count, book.bytes = book.count - 1, book.bytes - size
  book.strangers, book.strangerBytes = book.strangers - stranger, book.strangerBytes - stranger * size
  if acceptedAt <= book.oldest then book.isStale = 1 end
end

local function close(book, name)
  if book.count == 0 then
    redis.call('UNLINK', book.key)
    redis.call('ZREM', KEYS[1], name)
    return
  end
  local known = struct.pack('>I4I6I4I6I6BI6', book.count, book.bytes, book.strangers, book.strangerBytes,
    book.oldest, book.isStale, book.soonest)
  redis.call('HSET', book.key, '', known .. book.cursor)
end
`;

/** Values: four limits, the names of the devices, and for each entry the number of its device, its id, and what it is. */
export const reserve = redisScript(`${book}
local count, bytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local strangers, strangerBytes = tonumber(ARGV[3]), tonumber(ARGV[4])
local books, soonest, answers = {}, {}, {}
for at = 2, #KEYS do books[at - 1] = open(KEYS[at]) end
for at = 5 + #books, #ARGV, 3 do
  local which, id, packed = tonumber(ARGV[at]), ARGV[at + 1], ARGV[at + 2]
  local book = books[which]
  local size, stranger, acceptedAt, expiresAt = entryOf(packed)
  local answer = 0
  if redis.call('HEXISTS', book.key, id) == 1 then
    answer = 1
  elseif book.count + 1 <= count and book.bytes + size <= bytes and (stranger == 0 or
    (book.strangers + 1 <= strangers and book.strangerBytes + size <= strangerBytes)) then
    answer = 1
    redis.call('HSET', book.key, id, packed)
    if book.count == 0 then
      book.oldest, book.isStale = acceptedAt, 0
    else
      book.oldest = math.min(book.oldest, acceptedAt)
    end
    book.count, book.bytes = book.count + 1, book.bytes + size
    book.strangers, book.strangerBytes = book.strangers + stranger, book.strangerBytes + stranger * size
    soonest[which] = math.min(soonest[which] or expiresAt, expiresAt)
    if book.cursor ~= '0' then book.soonest = math.min(book.soonest, expiresAt) end
  end
  answers[#answers + 1] = answer
end
for which, expiresAt in pairs(soonest) do
  close(books[which], ARGV[4 + which])
  redis.call('ZADD', KEYS[1], 'LT', expiresAt, ARGV[4 + which])
end
return answers`);

/** Values: the name of the device, and ids. */
export const release = redisScript(`${book}
local book, released = open(KEYS[2]), 0
if book.count == 0 then return 0 end
for at = 2, #ARGV do
  local packed = redis.call('HGET', book.key, ARGV[at])
  if packed then
    redis.call('HDEL', book.key, ARGV[at])
    countOut(book, entryOf(packed))
    released = released + 1
  end
end
if released > 0 then close(book, ARGV[1]) end
return released`);

export const usage = redisScript(`${book}
local book = open(KEYS[2])
if book.count == 0 then return { 0, 0, 0, 0 } end
if book.isStale == 1 and book.count <= ${lookedAt} then
  local oldest
  for at, value in ipairs(redis.call('HGETALL', book.key)) do
    if at % 2 == 0 and #value == 16 then
      local _, _, acceptedAt = entryOf(value)
      oldest = math.min(oldest or acceptedAt, acceptedAt)
    end
  end
  book.oldest, book.isStale = oldest or book.oldest, 0
  close(book, '')
end
return { book.count, book.bytes, book.strangers, book.strangerBytes, book.oldest }`);

/**
 * One step of a sweep of one device: values are its name, the time, and how many may go. Gives how many went.
 *
 * When all entries were seen the index is told the earliest end that is left, those of entries that came meanwhile included. Until then the device stays due, and the next step goes on. A device without entries holds nothing, whatever its sums say.
 */
export const sweep = redisScript(`${book}
local book, now, most, expired = open(KEYS[2]), tonumber(ARGV[2]), tonumber(ARGV[3]), 0
local never = 281474976710655
if book.count == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
  return 0
end
if book.cursor == '0' then book.soonest = never end
local page = redis.call('HSCAN', book.key, book.cursor, 'COUNT', ${lookedAt})
book.cursor = page[1]
local seen = {}
for at = 1, #page[2], 2 do
  local id = page[2][at]
  if id ~= '' and not seen[id] then
    seen[id] = true
    local size, stranger, acceptedAt, expiresAt = entryOf(page[2][at + 1])
    if expiresAt <= now and expired < most then
      redis.call('HDEL', book.key, id)
      countOut(book, size, stranger, acceptedAt)
      expired = expired + 1
    else
      book.soonest = math.min(book.soonest, expiresAt)
    end
  end
end
local isSeen = book.cursor == '0'
if isSeen and book.soonest == never then book.count = 0 end
close(book, ARGV[1])
if isSeen and book.count > 0 then redis.call('ZADD', KEYS[1], book.soonest, ARGV[1]) end
return expired`);

/** The value is the name of the device. */
export const forget = redisScript(`
redis.call('UNLINK', KEYS[2])
redis.call('ZREM', KEYS[1], ARGV[1])
return 0`);
