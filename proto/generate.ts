import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// Makes src/generated/sotto.js and sotto.d.ts from proto/*.proto: encoders and decoders as a static ES module.

const root = import.meta.dirname;
const sources = join(root, 'proto');
const target = join(root, 'src', 'generated');
const pbjs = join(dirname(createRequire(import.meta.url).resolve('protobufjs-cli/package.json')), 'bin', 'pbjs');

const files = readdirSync(sources)
  .filter((name) => name.endsWith('.proto'))
  .sort();

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });

const flags = ['-t', 'static-module', '-w', 'esm', '--es6', '--dts', '-r', 'sotto', '-p', sources];
const leaveOut = ['create', 'verify', 'convert', 'delimited', 'typeurl', 'service'].map((part) => `--no-${part}`);
const output = join(target, 'sotto.js');
const made = spawnSync(process.execPath, [pbjs, ...flags, ...leaveOut, '--force-number', '-o', output, ...files], {
  cwd: sources,
  stdio: 'inherit',
});
if (made.status !== 0) throw new Error(`pbjs ended with ${made.status ?? made.signal}: see its message above.`);

// 64-bit fields are typed as numbers, and readers and writers of src/ hold to that. Left as they are, an absent field would still
// read as a Long object.
edit(output, /\$util\.Long \? \$util\.Long\.fromBits\(0,0,(?:true|false)\) : 0/g, '0');
edit(join(target, 'sotto.d.ts'), /^import Long = require\("long"\);\n/m, '');

function edit(file: string, pattern: RegExp, replacement: string): void {
  const text = readFileSync(file, 'utf8').replace(pattern, replacement);
  if (
    /\bLong\b/.test(text.replaceAll('$util.Long', '').replace(/\/\*[\s\S]*?\*\//g, '')) ||
    text.includes('fromBits')
  ) {
    throw new Error(`${file} still speaks of Long: the output of pbjs has changed, adapt generate.ts.`);
  }
  writeFileSync(file, text);
}
