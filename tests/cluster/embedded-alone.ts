/** Files of journeys that don't go through a cluster, since they are about something else by their nature. */
export const filesAlone: Readonly<Record<string, string>> = {
  'sessions-killed.test.ts': 'plays the schedules of a simulated world, which has a relay of its own in memory',
};

/** The same of single journeys in other files. */
export const journeysAlone: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'account-leaving.test.ts': {
    'after deletion and scrub no file of the relay holds anything of the account; what it sent to others is theirs':
      'reads the files of a data folder',
  },
  'sealed.test.ts': {
    'hold nothing that tells who sent what is sealed: neither mail nor receipts nor anything else':
      'reads the files of a data folder',
    'is not taken by a client whose relay has another root than it pinned: it names the sender from then on':
      'changes the root of a relay: a cluster refuses to start with another one than it was made with',
  },
};
