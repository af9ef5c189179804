/** The engines of a relay that is a cluster, in the order in which they are started: the one that takes longest first. */
export const engineNames = ['cassandra', 'kafka', 'redis', 's3'] as const;

export type EngineName = (typeof engineNames)[number];
