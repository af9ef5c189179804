/** What has to hold against one kind of harm. Tests that show it carry `[security: id]` in their names. */
export interface SecurityRequirement {
  readonly id: string;
  readonly area: 'Accounts' | 'Keys and sessions' | 'Content' | 'Relay';
  readonly harm: string;
  readonly required: string;
  /** What has to be built before there is anything to require. Such a row has no tests yet. */
  readonly waitsFor?: string;
}

/** All of them, in the order of the page. */
export const securityRequirements: readonly SecurityRequirement[] = [
  {
    id: 'otp-brute-force',
    area: 'Accounts',
    harm: 'a code is guessed',
    required: 'the 6th guess fails even when right, parallel guesses still count 5, a replay fails',
  },
  {
    id: 'sms-pumping',
    area: 'Accounts',
    harm: 'codes are sent to sell messages',
    required: '1,000 numbers in a row: what is sent stays under the caps by number, address, prefix and altogether',
  },
  {
    id: 'sim-swap',
    area: 'Accounts',
    harm: 'the number is taken over',
    required: 'the right code with a wrong PIN is refused and throttled; after a recovery an old token gets 401',
  },
  {
    id: 'enumeration',
    area: 'Accounts',
    harm: 'numbers are tried one after the other',
    required: 'nothing tells before authentication, and 10,000 look-ups are throttled',
  },
  {
    id: 'token-theft',
    area: 'Accounts',
    harm: 'tokens are stolen',
    required: 'a dumped database holds nothing usable, and a reused refresh token ends the family',
  },
  {
    id: 'device-injection',
    area: 'Accounts',
    harm: 'the relay adds or rolls back a device',
    required: 'such a device gets no message',
  },
  {
    id: 'leaving',
    area: 'Accounts',
    harm: 'something stays after a deletion',
    required: 'nothing of the account is in any table or file; a changed number keeps the user id',
  },
  {
    id: 'linking-phishing',
    area: 'Accounts',
    harm: 'somebody links a device of his own',
    required: 'a replayed QR fails',
    waitsFor: 'linked devices',
  },
  {
    id: 'prekey-depletion',
    area: 'Keys and sessions',
    harm: 'one-time keys are used up',
    required: '200 fetches at once give no key twice, and the bundle is valid after exhaustion; fetches are limited',
  },
  {
    id: 'forged-bundle',
    area: 'Keys and sessions',
    harm: 'keys are forged',
    required: 'each byte of a bundle flipped is refused, by the relay at the upload and by the client',
  },
  {
    id: 'identity-change',
    area: 'Keys and sessions',
    harm: 'the relay swaps an identity key',
    required: 'sending to a verified contact throws, an event tells, and nothing leaves',
  },
  {
    id: 'replay',
    area: 'Keys and sessions',
    harm: 'envelopes are replayed, doubled, reordered, dropped',
    required: 'after a crash between any two steps the app sees each message exactly once',
  },
  {
    id: 'bad-mac',
    area: 'Keys and sessions',
    harm: 'a crash or a race breaks a session',
    required: 'kills at every step leave no session broken; what breaks is repaired by itself',
  },
  {
    id: 'poison',
    area: 'Keys and sessions',
    harm: 'an envelope is made to hurt',
    required: 'with every field fuzzed, a good message after it still opens',
  },
  {
    id: 'length-leak',
    area: 'Keys and sessions',
    harm: 'lengths tell what was written',
    required: 'a histogram of lengths on the wire shows buckets only',
  },
  {
    id: 'group-membership',
    area: 'Keys and sessions',
    harm: 'the relay, or who may not, changes who is in a group',
    required: "forged, reordered, rolled back and forked changes are refused, and a non-admin's add",
  },
  {
    id: 'removed-member',
    area: 'Keys and sessions',
    harm: 'who was removed from a group reads on',
    required: 'the removed member, given all that the relay has, decrypts nothing new',
  },
  {
    id: 'group-impersonation',
    area: 'Keys and sessions',
    harm: 'one member of a group speaks as another',
    required: "a distribution message of one sender that is relabelled as another's is refused",
    waitsFor: 'groups',
  },
  {
    id: 'at-rest',
    area: 'Content',
    harm: 'a database is read on a disk',
    required: 'a canary is in none of the files of an encrypted database, and a wrong key is a typed error',
  },
  {
    id: 'receipt-side-channel',
    area: 'Content',
    harm: 'receipts tell a stranger who is there',
    required: '1,000 contents for ids that do not exist bring 0 receipts; strangers get none',
  },
  {
    id: 'attachment-tampering',
    area: 'Content',
    harm: 'a file is altered on its way',
    required: 'truncated, extended, swapped: an error, and no plaintext',
    waitsFor: 'attachments',
  },
  {
    id: 'fts-injection',
    area: 'Content',
    harm: 'a search is more than a search',
    required: 'no input throws or widens a search',
    waitsFor: 'search',
  },
  {
    id: 'mailbox-flood',
    area: 'Relay',
    harm: 'a mailbox is filled by a stranger',
    required: "the stranger is refused, and a contact's message still lands",
  },
  {
    id: 'server-dos',
    area: 'Relay',
    harm: 'the relay is worn down',
    required: 'slow headers, small fragments, many sockets, slow readers: memory is bounded, others are served',
  },
  {
    id: 'log-metadata',
    area: 'Relay',
    harm: 'logs tell who wrote to whom',
    required: 'seeded canaries are in no log, no database, no WAL',
  },
  {
    id: 'ssrf',
    area: 'Relay',
    harm: 'a webhook reaches what it must not',
    required: 'a rebinding name, a redirect to a private address, mapped IPv6: refused',
  },
  {
    id: 'ephemeral-frames',
    area: 'Relay',
    harm: 'typing and presence are forged or replayed',
    required: 'a replayed, altered or foreign frame is dropped and counted',
  },
  {
    id: 'sealed-sends',
    area: 'Relay',
    harm: 'a sealed sender floods',
    required: 'a blocked or unknown sender is refused; a flood is capped; a dump of the relay names no sender',
  },
  {
    id: 'turn-abuse',
    area: 'Relay',
    harm: 'TURN is used by strangers',
    required: 'an expired credential is refused',
    waitsFor: 'calls',
  },
  {
    id: 'push-tokens',
    area: 'Relay',
    harm: 'a push tells what came',
    required: 'the payload is the same for any message',
    waitsFor: 'push',
  },
];
