import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// Runs what README.md tells people to type: every line of its ```sh blocks, in order, each in a shell at the root of the repository.
// Fetching the repository is left out, and so are the lines given as arguments, which the caller has run already.
// What should not be run (it never ends, it needs an account) belongs in a ```console block.

const root = join(import.meta.dirname, '..');
const skipped = new Set(process.argv.slice(2));
const blocks = readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm);
const commands = [...blocks]
  .flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
  .map((line) => line.replace(/\s+#.*$/, '').trim())
  .filter((line) => line !== '' && !line.startsWith('#') && !/^(git clone|cd) /.test(line) && !skipped.has(line));

for (const command of commands) {
  console.log(`readme: ${command}`);
  const { status, signal } = spawnSync('bash', ['-e', '-c', command], { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    console.error(`README.md: "${command}" ended with ${status ?? signal}`);
    process.exit(1);
  }
}
console.log(`readme: ${commands.length} commands ran`);
