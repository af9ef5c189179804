import { randomBytes } from 'node:crypto';
import { toBase64Url } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { readBearer } from './bearer.ts';
import { hashOfToken, readToken } from './token.ts';

describe('tokens', () => {
  it('are read in their one spelling only', () => {
    const bytes = randomBytes(32);
    const text = toBase64Url(bytes);
    expect(Buffer.from(readToken(text) ?? [])).toEqual(bytes);
    for (const bad of ['', text.slice(1), `${text}=`, `${text.slice(0, 42)}B`, `${text.slice(0, 42)}+`]) {
      expect(readToken(bad)).toBeUndefined();
    }
    expect(hashOfToken(bytes)).toHaveLength(32);
  });

  it('come in a Bearer header', () => {
    const text = toBase64Url(randomBytes(32));
    expect(toBase64Url(readBearer(`bearer ${text}`))).toBe(text);
    expect(() => readBearer(undefined)).toThrow(expect.objectContaining({ code: 'token-missing' }));
    expect(() => readBearer(text)).toThrow(expect.objectContaining({ code: 'token-invalid' }));
  });
});
