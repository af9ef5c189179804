import { describe, expect, it } from 'vitest';
import { openDocsRelay } from './docs-relay.ts';
import { read, section, tableRows } from './pages.ts';

const page = read('docs/protocol.md');

/** Paths that the relay serves and its description leaves out. */
const undescribed = ['GET /metrics', 'GET /v1/openapi.json'];

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

describe('docs/protocol.md says what the relay does', () => {
  it('has each endpoint, and no other', async () => {
    await using relay = await openDocsRelay();
    const { paths } = (await (await fetch(`${relay.url}/v1/openapi.json`)).json()) as Description;
    const served = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const documented = tableRows(section(page, '## 2. HTTP')).map(
      ([cell = '']) => /^`([A-Z]+ [^?`]+)/.exec(cell)?.[1] ?? cell,
    );
    expect([...documented].sort()).toEqual([...served, ...undescribed].sort());
  });

  it('marks as auth what asks for a token', async () => {
    await using relay = await openDocsRelay();
    const { paths } = (await (await fetch(`${relay.url}/v1/openapi.json`)).json()) as Description;
    for (const [cell = ''] of tableRows(section(page, '## 2. HTTP'))) {
      const [, method = '', path = ''] = /^`([A-Z]+) ([^?`]+)/.exec(cell) ?? [];
      if (undescribed.includes(`${method} ${path}`)) continue;
      const described = paths[path]?.[method.toLowerCase()];
      const asksForToken = typeof described === 'object' && described !== null && 'security' in described;
      expect({ cell, asksForToken }).toEqual({ cell, asksForToken: cell.includes('**auth**') });
    }
  });

  it('names errors that exist, each with its status', () => {
    const statuses = new Map(
      tableRows(section(read('docs/errors.md'), '## RelayError')).map(([code = '', status = '']) => [
        code.replaceAll('`', ''),
        status,
      ]),
    );
    for (const [endpoint, , errors = ''] of tableRows(section(page, '## 2. HTTP'))) {
      for (const group of errors.split(/, (?=\d{3} )/)) {
        const status = /^\d{3}/.exec(group)?.[0];
        if (status === undefined) continue;
        const codes = [...group.matchAll(/`([a-z-]+)`/g)].map(([, code = '']) => code);
        for (const code of codes)
          expect({ endpoint, code, status: statuses.get(code) }).toEqual({ endpoint, code, status });
      }
    }
  });

  it('has each close code of the relay', () => {
    const source = read('packages/relay-server/src/gateway/close-code.ts');
    const codes = [...source.matchAll(/^ {2}\w+: (\d{4}),$/gm)].map(([, code]) => code);
    const documented = tableRows(section(page, '## 3. The stream')).flatMap(([code = '']) =>
      /^\d{4}$/.test(code) ? [code] : [],
    );
    // 1008 is the WebSocket library's own.
    expect(documented.filter((code) => code !== '1008')).toEqual(codes);
  });

  it('has the limits of a Send', () => {
    const source = read('packages/relay-server/src/mailbox/send-shape.ts');
    expect(source).toContain('ciphertextBytes = 256 * 1024');
    expect(source).toContain('mostRecipients = 1_024');
    expect(source).toContain('mostDevices = 127');
    expect(page).toContain('a ciphertext of 1 byte to 256 KiB; 1..127 devices a user; 1..1,024 recipients');
  });
});
