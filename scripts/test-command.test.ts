import { describe, expect, it } from 'vitest';
import { clusterNotice, readClusterCommand, readTestCommand } from './test-command.ts';

describe('the command line of the tests', () => {
  it('goes to vitest', () => {
    const given = ['packages/sdk', '--project', 'sdk', '-t', 'P1'];
    expect(readTestCommand(given)).toEqual({ type: 'run', isForPage: false, vitest: given });
  });

  it('of the security page picks what the page is made of', () => {
    const command = readTestCommand(['--security']);
    expect(command).toMatchObject({ type: 'run', isForPage: true });
    const [option, pattern = ''] = command.type === 'run' ? command.vitest : [];
    expect(option).toBe('--testNamePattern');
    expect('refuses the sixth guess  [security: otp-brute-force]').toMatch(new RegExp(pattern));
  });

  it.each([['--what'], ['packages/sdk']])('of the security page takes no %s', (given) => {
    expect(readTestCommand(['--security', given])).toMatchObject({
      type: 'wrong',
      message: expect.stringContaining(given),
      usage: expect.stringContaining('npm run security-tests'),
    });
  });

  it.each(['--help', '-h'])('tells with %s how it is used', (help) => {
    expect(readTestCommand([help])).toMatchObject({ type: 'help', usage: expect.stringContaining('npm test') });
    expect(readTestCommand(['--security', help])).toMatchObject({
      type: 'help',
      usage: expect.stringContaining('npm run security-tests'),
    });
  });
});

describe('the command line of the tests on real engines', () => {
  it('goes to vitest', () => {
    const given = ['packages/relay-server', '-t', 'P1'];
    expect(readClusterCommand(given)).toEqual({ type: 'run', vitest: given });
  });

  it.each(['--help', '-h'])('tells with %s how it is used', (help) => {
    const usage = expect.stringContaining('SOTTO_ENGINES');
    expect(readClusterCommand([help])).toEqual({ type: 'help', usage });
  });

  it('is what npm test points to', () => {
    expect(clusterNotice).toContain('npm run test:cluster');
  });
});
