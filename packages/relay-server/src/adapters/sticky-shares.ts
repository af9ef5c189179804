/** A partition by the name of its topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A member of a group, and what it says that it owns. */
export interface SharingMember {
  readonly id: string;
  readonly topics: readonly string[];
  readonly owned: readonly TopicPartition[];
  /** The generation in which it came to own that: of two claims the later one counts. */
  readonly generation: number;
}

/**
 * Shares partitions among the members of a group, each topic evenly: members keep what they own up to their share.
 *
 * What is to move goes to nobody as long as somebody else claims it, so that an owner can end its work first; when it has given the partition up, the group shares anew. The same input gives the same shares.
 */
export function stickyShares(
  members: readonly SharingMember[],
  counts: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly TopicPartition[]> {
  const ordered = [...members].sort((one, other) => (one.id < other.id ? -1 : 1));
  const shares = new Map<string, TopicPartition[]>(ordered.map(({ id }) => [id, []]));
  const load = ({ id }: SharingMember) => shares.get(id)?.length ?? 0;
  for (const topic of [...counts.keys()].sort()) {
    const sharers = ordered.filter(({ topics }) => topics.includes(topic));
    const count = counts.get(topic) ?? 0;
    if (sharers.length === 0) continue;
    const owners = ownersOf(topic, sharers);
    // Who has the most of this topic keeps one of the odd ones; else who has the least of all.
    const owned = new Map(sharers.map(({ id }) => [id, [...owners.values()].filter((owner) => owner === id).length]));
    const byClaim = [...sharers].sort(
      (one, other) => (owned.get(other.id) ?? 0) - (owned.get(one.id) ?? 0) || load(one) - load(other),
    );
    const room = new Map(
      byClaim.map(({ id }, rank) => [id, Math.floor(count / sharers.length) + (rank < count % sharers.length ? 1 : 0)]),
    );
    const take = (id: string, partition: number) => {
      shares.get(id)?.push({ topic, partition });
      room.set(id, (room.get(id) ?? 0) - 1);
    };
    const moving: number[] = [];
    for (let partition = 0; partition < count; partition += 1) {
      const owner = owners.get(partition);
      if (owner !== undefined && (room.get(owner) ?? 0) > 0) take(owner, partition);
      else moving.push(partition);
    }
    const claimed = claimsOf(topic, sharers);
    for (const partition of moving) {
      const to = sharers.find(({ id }) => (room.get(id) ?? 0) > 0);
      if (to === undefined) continue;
      const others = claimed.get(partition)?.filter((id) => id !== to.id) ?? [];
      if (others.length === 0) take(to.id, partition);
      else room.set(to.id, (room.get(to.id) ?? 0) - 1);
    }
  }
  return shares;
}

function claimsOf(topic: string, members: readonly SharingMember[]): Map<number, string[]> {
  const claims = new Map<number, string[]>();
  for (const { id, owned } of members) {
    for (const claim of owned) {
      if (claim.topic !== topic) continue;
      const ids = claims.get(claim.partition);
      if (ids) ids.push(id);
      else claims.set(claim.partition, [id]);
    }
  }
  return claims;
}

/** Who is believed: the only one who claims a partition in the latest generation of all its claims. */
function ownersOf(topic: string, members: readonly SharingMember[]): Map<number, string> {
  const generations = new Map(members.map(({ id, generation }) => [id, generation]));
  const owners = new Map<number, string>();
  for (const [partition, ids] of claimsOf(topic, members)) {
    const latest = Math.max(...ids.map((id) => generations.get(id) ?? -1));
    const [owner, ...others] = ids.filter((id) => generations.get(id) === latest);
    if (owner !== undefined && others.length === 0) owners.set(partition, owner);
  }
  return owners;
}
