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

/** Files of journeys that fail through a cluster, and should not: defects to mend, each with what is known of it. */
export const filesFailing: Readonly<Record<string, string>> = {};

/** The same of single journeys in other files. */
export const journeysFailing: Readonly<Record<string, Readonly<Record<string, string>>>> = {};

/** Files that don't run through a cluster, for whatever reason. */
export const filesLeftOut = { ...filesAlone, ...filesFailing };

/** Journeys of other files that don't. */
export const journeysLeftOut = { ...journeysAlone, ...journeysFailing };
