import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder, EngineFolder } from './engine-folder.ts';
import { defaultShape } from './engine-shape.ts';

let parent = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'engine-folder-'));
});
afterEach(() => rmSync(parent, { recursive: true }));

function newFolder(): EngineFolder {
  const folder = new EngineFolder(join(parent, 'engines'));
  folder.make();
  return folder;
}

describe('a folder of engines', () => {
  it('is for its owner only, with all that is in it', () => {
    const folder = newFolder();
    folder.writeAddresses({ redis: { url: 'with a password' } });
    folder.writeStarted({});
    for (const name of ['', ...readdirSync(folder.path)]) {
      const { mode } = statSync(join(folder.path, name));
      expect(mode & 0o077, name).toBe(0);
    }
    expect(statSync(folder.addresses).mode & 0o777).toBe(0o600);
  });

  it('has nothing lying about after a write', () => {
    const folder = newFolder();
    folder.writeAddresses({ redis: {} });
    folder.writeAddresses({ redis: {}, kafka: {} });
    expect(readdirSync(folder.path).sort()).toEqual(['config', 'data', 'engines.json', 'logs']);
    expect(folder.addressed()).toEqual(new Set(['redis', 'kafka']));
    folder.removeAddresses();
    expect(folder.addressed()).toEqual(new Set());
  });

  it('knows what it was made with until it is told to forget', () => {
    const made = {
      shape: defaultShape,
      kafkaClusterId: 'a',
      kafkaPassword: 'k',
      kafkaStorePassword: 's',
      redisPassword: 'b',
      s3AccessKeyId: 'c',
      s3SecretAccessKey: 'd',
    };
    const folder = newFolder();
    expect(folder.made()).toBeUndefined();
    folder.writeMade(made);
    writeFileSync(folder.config('kafka.p12'), 'opens with the password of Kafka');
    expect(new EngineFolder(folder.path).made()).toEqual(made);
    folder.forgetMade();
    expect(folder.made()).toBeUndefined();
    expect(existsSync(folder.config('kafka.p12'))).toBe(false);
  });

  it('is named as whoever stands near would name it', () => {
    expect(EngineFolder.shown('/a/b/engines.json', '/a')).toBe('b/engines.json');
    expect(EngineFolder.shown('/a/b/engines.json', '/c')).toBe('/a/b/engines.json');
  });
});

it('downloads go below XDG_CACHE_HOME, or else the home folder', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/cache' })).toBe('/cache/sotto-engines');
  expect(cacheFolder({ XDG_CACHE_HOME: '' })).toBe(join(homedir(), '.cache', 'sotto-engines'));
  expect(cacheFolder({})).toBe(join(homedir(), '.cache', 'sotto-engines'));
});
