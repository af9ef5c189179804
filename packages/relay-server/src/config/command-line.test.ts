import { describe, expect, it } from 'vitest';
import { readCommandLine } from './command-line.ts';

describe('readCommandLine', () => {
  it('reads values in both spellings', () => {
    const read = readCommandLine(['--config', 'relay.json', '--port=0', '--data', '/tmp/x']);
    expect(read).toEqual({
      command: 'serve',
      configFile: 'relay.json',
      values: new Map([
        ['port', '0'],
        ['data', '/tmp/x'],
      ]),
    });
  });

  it('reads what is to be done', () => {
    const read = readCommandLine(['migrate', '--config', 'relay.json']);
    expect(read).toEqual({ command: 'migrate', configFile: 'relay.json', values: new Map() });
    expect(readCommandLine(['migrate', '--help'])).toEqual({ command: 'help' });
    expect(readCommandLine(['forget-prekeys'])).toEqual({
      command: 'forget-prekeys',
      configFile: undefined,
      values: new Map(),
    });
  });

  it('answers help and version', () => {
    expect(readCommandLine(['--help'])).toEqual({ command: 'help' });
    expect(readCommandLine(['--version'])).toEqual({ command: 'version' });
  });

  it.each([
    [['--prot', '1'], 'unknown flag `--prot`: did you mean `--port`?'],
    [['serve'], 'unknown command `serve`'],
    [['migrat'], 'unknown command `migrat`: did you mean `migrate`?'],
    [['--port', '1', 'migrate'], 'unknown command `migrate`: it comes first'],
    [['--port'], '`--port` needs a value'],
    [['--port', '--host'], '`--port` needs a value'],
  ])('refuses %j', (args, message) => {
    expect(() => readCommandLine(args)).toThrow(message);
  });
});
