import { Buffer } from 'node:buffer';
import { defaultPlatform } from '#platform';
import type { GroupRules } from '../src/groups/change-rules.ts';
import { type Evaluation, evaluate, type KeySource } from '../src/groups/evaluate.ts';
import type { GroupPosition } from '../src/groups/group-head.ts';
import type { WantedKey } from '../src/groups/group-keys.ts';
import { encodeState } from '../src/groups/group-state.ts';
import { asText } from './group-oracle.ts';

const { sha256 } = defaultPlatform();
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** An evaluation with what stands for its state. */
export interface ModelEvaluation extends Evaluation {
  readonly head: string;
  readonly state: string;
  /** The key that it took, or waits for. */
  readonly wanted: WantedKey | undefined;
}

interface Known {
  readonly wanted: WantedKey | undefined;
  readonly withKey: ModelEvaluation | undefined;
  readonly withoutKey: ModelEvaluation | undefined;
}

/** Every so often what is known is evaluated again all the same. */
const rechecked = 8;

/**
 * Evaluations by rules. What one client has evaluated is not evaluated again for the next one that is at the same position: of five clients that would be four fifths of a run.
 * Now and then it is, and has to come to the same.
 */
export class ModelEvaluations {
  readonly #rules: GroupRules;
  readonly #known = new WeakMap<GroupPosition, Map<Uint8Array, Known>>();
  #count = 0;

  constructor(rules: GroupRules) {
    this.#rules = rules;
  }

  of(before: GroupPosition, record: Uint8Array, keys: KeySource): ModelEvaluation {
    const atPosition = this.#known.get(before) ?? new Map<Uint8Array, Known>();
    this.#known.set(before, atPosition);
    const known = atPosition.get(record);
    const hasKey = known?.wanted !== undefined && keys(0, known.wanted.keyCommitment) !== undefined;
    const there = hasKey ? known?.withKey : known?.withoutKey;
    if (there !== undefined && ++this.#count % rechecked !== 0) return there;
    const made = this.#evaluate(before, record, keys);
    if (there !== undefined && asText(there) !== asText(made)) throw new Error('an evaluation came out otherwise');
    const { wanted } = made;
    const isOpened = wanted !== undefined && made.verdict.type !== 'waits-for-key';
    atPosition.set(record, {
      wanted,
      withKey: isOpened ? made : known?.withKey,
      withoutKey: isOpened ? known?.withoutKey : made,
    });
    return there ?? made;
  }

  #evaluate(before: GroupPosition, record: Uint8Array, keys: KeySource): ModelEvaluation {
    let wanted: WantedKey | undefined;
    const asked: KeySource = (keyEpoch, keyCommitment) => {
      wanted = { keyEpoch, keyCommitment: Uint8Array.from(keyCommitment) };
      return keys(keyEpoch, keyCommitment);
    };
    const { at, verdict } = evaluate(before, record, asked, sha256, this.#rules);
    return { at, verdict, head: hex(at.head), state: hex(encodeState(at.state)), wanted };
  }
}
