import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockOf, pinsOf } from '../scripts/crate-pins.ts';

const rust = join(import.meta.dirname, '../rust');
const pins = readFileSync(join(rust, 'crates.lock'), 'utf8');
const dependencies =
  /\[dependencies\]\n([\s\S]*?)\n\n\[/.exec(readFileSync(join(rust, 'Cargo.toml'), 'utf8'))?.[1] ?? '';

describe('the crates', () => {
  it('are pinned exactly, and named with their checksums', () => {
    const lines = dependencies.trim().split('\n');
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) expect(line).toMatch(/^[\w-]+ = (\{.*version = )?"=\d/);
    const foreign = pins.split('[[package]]').filter((entry) => entry.includes('source = '));
    expect(foreign.length).toBeGreaterThan(150);
    for (const entry of foreign) expect(entry).toMatch(/checksum = "[0-9a-f]{64}"/);
  });

  it('are pinned without an address, which comes back from the cargo at hand', () => {
    expect(pins).not.toContain('//');
    const lock = lockOf(pins, '[[package]]\nname = "other"\nsource = "registry+protocol://place"\n');
    expect(lock).toContain('source = "registry+protocol://place"');
    expect(pinsOf(lock)).toBe(pins);
  });
});
