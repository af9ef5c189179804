import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { userIdOf } from '../../test/numbered-uuid.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import { evaluate } from './evaluate.ts';
import { keyCommitment } from './group-cipher.ts';
import { nextHead, startOfGroup } from './group-head.ts';
import { groupIdOf } from './group-id.ts';
import { encodeState, unbornState } from './group-state.ts';
import { formatInviteLink, inviteToken } from './invite-link.ts';
import { joinProof } from './join-proof.ts';

// docs/protocol.md, section 7: the numbers that a second implementation must come to.

const { sha256 } = defaultPlatform();
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const filled = (length: number, value: number) => new Uint8Array(length).fill(value);

/** A log that was written once and has been evaluated ever since. */
interface ChainVectors {
  readonly groupId: string;
  readonly keys: readonly { readonly keyEpoch: number; readonly key: string }[];
  readonly records: readonly { readonly record: string; readonly verdict: string; readonly head: string }[];
  readonly state: string;
}

const file = new URL('../../test/vectors/group-chain.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as ChainVectors;

describe('sotto group v1', () => {
  const wireId = filled(32, 1);
  it('derives ids, commitments, proofs and tokens', () => {
    expect(groupIdOf(wireId, sha256)).toMatchInlineSnapshot(`"0ff8f3e8-a401-867f-0fe8-d768726e4887"`);
    expect(hex(keyCommitment(wireId, { keyEpoch: 258, key: filled(32, 2) }, sha256))).toMatchInlineSnapshot(
      `"6d93f7e5b793102608364458ae236c12d269566521e2543dc1d46beb58186d7f"`,
    );
    const who = { userId: userIdOf(5), rootKey: Uint8Array.of(5, ...filled(32, 3)) };
    expect(hex(joinProof(filled(32, 4), wireId, who, filled(32, 6)))).toMatchInlineSnapshot(
      `"e6cdbb8349f5085911a61e940f01284425a688ae269291572da5f0abf8a6554f"`,
    );
    expect(hex(inviteToken({ wireId, inviteKey: filled(32, 4) }))).toMatchInlineSnapshot(
      `"c5f92455fe3304f8ff8140f6cb6ccdaf468d8809f3d2c2da86d6becbc389ce15"`,
    );
    expect(formatInviteLink({ wireId, inviteKey: filled(32, 4) })).toMatchInlineSnapshot(
      `"sotto-group:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBA"`,
    );
    const after = { ...unbornState(wireId), revision: 1 };
    expect(hex(encodeState(after))).toMatchInlineSnapshot(
      `"0a2001010101010101010101010101010101010101010101010101010101010101011001"`,
    );
    expect(hex(nextHead(new Uint8Array(32), Uint8Array.of(1, 2, 3), after, sha256))).toMatchInlineSnapshot(
      `"983e8774be16ad7a717ab68a700bc4d09549397f422591097005f0ce19a64833"`,
    );
  });

  it('evaluates a log: a creation, a role, a link, a join, a change without right, a removal, a new key', () => {
    let at = startOfGroup(bytes(vectors.groupId));
    const keys = (keyEpoch: number) => {
      const found = vectors.keys.find((one) => one.keyEpoch === keyEpoch);
      return found && bytes(found.key);
    };
    const seen = vectors.records.map(({ record }) => {
      const evaluated = evaluate(at, bytes(record), keys, sha256);
      at = evaluated.at;
      const { verdict } = evaluated;
      return {
        record,
        verdict: verdict.type === 'void' ? `void: ${verdict.reason}` : verdict.type,
        head: hex(at.head),
      };
    });
    expect(seen).toEqual(vectors.records);
    expect(seen.map(({ verdict }) => verdict)).toEqual([
      'applied',
      'applied',
      'applied',
      'applied',
      'void: not-allowed',
      'applied',
      'applied',
    ]);
    expect(hex(encodeState(at.state))).toBe(vectors.state);
  });
});
