import { describe, expect, it } from 'vitest';
import { quoted, read, section, tableRows, union } from './pages.ts';

const page = read('docs/errors.md');

/** The first cells of the table under a heading, in order. */
function codesUnder(heading: string): readonly string[] {
  const [own = ''] = section(page, heading).split('\n### ');
  return tableRows(own).map(([code]) => quoted(code));
}

describe('docs/errors.md has each code of the code, and no other', () => {
  it('SottoErrorCode', () => {
    expect(codesUnder('## SottoError')).toEqual(union('packages/sdk/src/sotto-error.ts', 'SottoErrorCode'));
  });

  it('SessionEnd, and the end of which nothing is known', () => {
    const declared = /export type SessionEnd =([^;]*);/.exec(read('packages/sdk/src/sotto-error.ts'))?.[1] ?? '';
    const ends = [...declared.matchAll(/'([^']+)'/g)].map(([, end]) => end);
    expect(ends).toContain('device-revoked');
    const rows = tableRows(section(page, '### Why a session has ended'));
    expect(rows.map(([end]) => end?.replaceAll('`', ''))).toEqual([...ends, 'undefined']);
  });

  it('HeldReason', () => {
    const reasons = union('packages/sdk/src/ports/inbox-records.ts', 'HeldReason');
    expect(codesUnder('### Envelopes that are held')).toEqual(reasons);
  });

  it('RelayErrorCode', () => {
    expect(codesUnder('## RelayError')).toEqual(union('packages/relay-server/src/relay-error.ts', 'RelayErrorCode'));
  });

  it('ProtoErrorCode', () => {
    expect(codesUnder('## ProtoError')).toEqual(union('proto/src/proto-error.ts', 'ProtoErrorCode'));
  });

  it('TestingErrorCode', () => {
    expect(codesUnder('## TestingError')).toEqual(union('packages/testing/src/testing-error.ts', 'TestingErrorCode'));
  });

  it('the HTTP status of each code of the relay', () => {
    const declared = /const statuses[^{]*\{([^}]*)\}/.exec(
      read('packages/relay-server/src/gateway/error-answer.ts'),
    )?.[1];
    const statuses = [...(declared ?? '').matchAll(/^\s*'?([a-z-]+)'?: (\d{3}),$/gm)].map(([, code, status]) => [
      code,
      status,
    ]);
    const documented = tableRows(section(page, '## RelayError')).flatMap(([code, status]) =>
      status === '—' ? [] : [[quoted(code), status]],
    );
    expect(statuses.length).toBeGreaterThan(0);
    expect(new Map(documented as [string, string][])).toEqual(new Map(statuses as [string, string][]));
  });
});
