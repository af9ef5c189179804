import type { GroupPosition } from './group-head.ts';
import type { GroupOperation } from './group-operation.ts';
import type { GroupState } from './group-state.ts';
import { joinProof } from './join-proof.ts';
import type { OperationContext } from './operation-rule.ts';
import { applyOperation, operationRules } from './operation-rules.ts';

/** What of a change can be made again. */
export interface Rebased {
  readonly operations: readonly GroupOperation[];
  /** What makes no sense any more: it is done already, its target is gone, or the right to do it is. */
  readonly dropped: readonly GroupOperation[];
}

/** Who makes a change again. */
export type RebasingActor = Pick<OperationContext, 'actor' | 'list'> & {
  /** Of the link by which the actor comes in: joins are proven for one head. */
  readonly inviteKey?: Uint8Array;
};

/**
 * Holds the operations of a change that came too late against a newer position: which are made again, in their order. Of lists of people those stay who still make sense.
 */
export function rebase(operations: readonly GroupOperation[], onto: GroupPosition, actor: RebasingActor): Rebased {
  const made: GroupOperation[] = [];
  const dropped: GroupOperation[] = [];
  let state: GroupState = { ...onto.state, revision: onto.state.revision + 1 };
  for (const operation of operations) {
    const kept: GroupOperation[] = [];
    const lost: GroupOperation[] = [];
    for (const part of partsOf(provenAnew(operation, onto, actor.inviteKey))) {
      const context = { state, actor: actor.actor, list: actor.list, previousHead: onto.head };
      const applied = applyOperation(context, part, operationRules);
      if (typeof applied !== 'string') state = applied;
      (typeof applied === 'string' ? lost : kept).push(part);
    }
    if (kept.length > 0) made.push(joined(operation, kept));
    if (lost.length > 0) dropped.push(joined(operation, lost));
  }
  return { operations: made, dropped };
}

/** An operation about several people as one each. */
function partsOf(operation: GroupOperation): readonly GroupOperation[] {
  if (operation.type === 'add-members') return operation.members.map((one) => ({ ...operation, members: [one] }));
  if (operation.type === 'remove-members') return operation.userIds.map((one) => ({ ...operation, userIds: [one] }));
  return [operation];
}

function joined(whole: GroupOperation, parts: readonly GroupOperation[]): GroupOperation {
  const is = <Type extends GroupOperation['type']>(type: Type) =>
    parts.flatMap((part) => (part.type === type ? [part as Extract<GroupOperation, { readonly type: Type }>] : []));
  if (whole.type === 'add-members') return { ...whole, members: is('add-members').flatMap(({ members }) => members) };
  if (whole.type === 'remove-members') {
    return { ...whole, userIds: is('remove-members').flatMap(({ userIds }) => userIds) };
  }
  return parts[0] ?? whole;
}

function provenAnew(operation: GroupOperation, onto: GroupPosition, inviteKey: Uint8Array | undefined): GroupOperation {
  if (inviteKey === undefined || (operation.type !== 'join' && operation.type !== 'request-join')) return operation;
  return { ...operation, proof: joinProof(inviteKey, onto.state.wireId, operation.who, onto.head) };
}
