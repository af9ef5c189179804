import { describe, expect, it } from 'vitest';
import { SottoError } from '../sotto-error.ts';
import { lockSecretOf, readPin, withPin } from './pin.ts';

const salt = new Uint8Array(32).fill(7);
const invalid = expect.objectContaining({ code: 'pin-invalid' });
const locked = (fields: object) => new SottoError('registration-locked', 'locked', { lockSalt: salt, ...fields });

describe('readPin', () => {
  it('takes one PIN however it is typed, from 4 to 128 characters', () => {
    expect(readPin(' 1234\n')).toEqual(readPin('1234'));
    expect(readPin('１２３４')).toEqual(readPin('1234'));
    expect(readPin('caf\u00e9')).toEqual(readPin('cafe\u0301'));
    expect(readPin('🔑'.repeat(128)).length).toBe(512);
    for (const wrong of ['123', '   1   ', 'x'.repeat(129), 1234, undefined]) {
      expect(() => readPin(wrong), String(wrong)).toThrow(invalid);
    }
  });

  it('is hashed under its salt to 32 bytes', () => {
    const secret = lockSecretOf('1234', salt);
    expect(secret.length).toBe(32);
    expect(lockSecretOf('1234', salt)).toEqual(secret);
    expect(lockSecretOf('1235', salt)).not.toEqual(secret);
    expect(lockSecretOf('1234', new Uint8Array(32))).not.toEqual(secret);
  });
});

describe('withPin', () => {
  /** Refuses whoever shows nothing. */
  function lockedAccount(fields: object = { attemptsLeft: 3 }) {
    const shown: (string | undefined)[] = [];
    const ask = async (secret: string | undefined) => {
      shown.push(secret);
      if (secret === undefined) throw locked(fields);
      return 'in';
    };
    return { shown, ask };
  }

  it('shows nothing to an account without a lock, and asks nobody', async () => {
    const asked: unknown[] = [];
    const pin = (context: unknown) => {
      asked.push(context);
      return '1234';
    };
    expect(await withPin(async (secret) => secret ?? 'none', pin, undefined)).toBe('none');
    expect(asked).toEqual([]);
  });

  it('asks for the PIN with the tries that are left, and uses it for one try', async () => {
    const { shown, ask } = lockedAccount();
    const contexts: unknown[] = [];
    const pin = (context: unknown) => {
      contexts.push(context);
      return Promise.resolve('1234');
    };
    expect(await withPin(ask, pin, undefined)).toBe('in');
    expect(contexts).toEqual([{ attemptsLeft: 3 }]);
    expect(shown).toEqual([undefined, Buffer.from(lockSecretOf('1234', salt)).toString('base64url')]);
  });

  it('spends no try while a wait lasts, without a PIN, or with one that is none', async () => {
    const waiting = lockedAccount({ attemptsLeft: 0, retryAfterMs: 60_000 });
    await expect(withPin(waiting.ask, '1234', undefined)).rejects.toMatchObject({ retryAfterMs: 60_000 });
    const { shown, ask } = lockedAccount();
    await expect(withPin(ask, undefined, undefined)).rejects.toMatchObject({ code: 'registration-locked' });
    await expect(withPin(ask, '12', undefined)).rejects.toEqual(invalid);
    expect([...waiting.shown, ...shown]).toEqual([undefined, undefined, undefined]);
  });
});
