import { describe, expect, it } from 'vitest';
import { readOptions } from './options.ts';

const all = ['--relay', 'http://localhost:8080', '--data', 'bot', '--phone', '+14155550102'];

describe('the command line of the echo bot', () => {
  it('reads what it was given', () => {
    const options = { relay: 'http://localhost:8080', data: 'bot', phone: '+14155550102', code: undefined };
    expect(readOptions(all)).toEqual(options);
    expect(readOptions([...all, '--code', '123456'])).toEqual({ ...options, code: '123456' });
    expect(readOptions(['--help'])).toBe('help');
  });

  it('says what is missing or unknown', () => {
    expect(readOptions(all.slice(0, 4))).toEqual({ wrong: '--relay, --data and --phone are needed' });
    expect(readOptions([...all, '--verbose'])).toMatchObject({ wrong: expect.stringContaining('--verbose') });
  });
});
