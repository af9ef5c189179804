import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lockOf } from './crate-pins.ts';

// Builds artefact/libsignal.wasm from rust/ and the crates that it pins, the same byte for byte in any folder.
//   node scripts/build-wasm.ts [--in FOLDER] [--check]
// --in: an existing folder to build in, a new one under the system's temporary folder when not given.
// --check: compares with the artefact that is committed, and changes nothing.
// What it needs stands in docs/crypto.md: Debian's rustc-web, cargo-web, rust-web-src, lld-22, protobuf-compiler, binaryen.

const tools = [
  { command: '/usr/bin/rustc', version: 'rustc 1.96.0' },
  { command: '/usr/bin/cargo', version: 'cargo 1.96.0' },
  { command: '/usr/bin/wasm-ld-22', version: 'Debian LLD 22.1.8' },
  { command: '/usr/bin/protoc', version: 'libprotoc 3.21.12' },
  { command: '/usr/bin/wasm-opt', version: 'wasm-opt version 108' },
];

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { in: { type: 'string' }, check: { type: 'boolean' } } });
const folder = values.in ?? mkdtempSync(join(tmpdir(), 'libsignal-wasm-'));
const crate = join(folder, 'crate');
const target = join(folder, 'target');
const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo');

const environment: NodeJS.ProcessEnv = {
  HOME: homedir(),
  PATH: '/usr/bin:/bin',
  CARGO_HOME: cargoHome,
  CARGO_INCREMENTAL: '0',
  CARGO_TARGET_DIR: target,
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: '/usr/bin/wasm-ld-22',
  LC_ALL: 'C',
  RUSTC: '/usr/bin/rustc',
  // Building the standard library is an unstable part of cargo.
  RUSTC_BOOTSTRAP: '1',
  SOURCE_DATE_EPOCH: '0',
};
for (const name of ['CARGO_HTTP_MULTIPLEXING', 'CARGO_NET_OFFLINE', 'SSL_CERT_FILE', 'https_proxy', 'HTTPS_PROXY']) {
  const value = process.env[name];
  if (value !== undefined) environment[name] = value;
}

function run(command: string, args: readonly string[], cwd: string, extra: NodeJS.ProcessEnv = {}): void {
  const done = spawnSync(command, args, { cwd, env: { ...environment, ...extra }, stdio: 'inherit' });
  if (done.status !== 0) throw new Error(`${command} ended with ${done.status ?? done.signal}: see its words above`);
}

function checkTools(): void {
  for (const { command, version } of tools) {
    const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
    if (!stdout?.startsWith(version)) {
      throw new Error(`${command} has to be ${version}, and says "${stdout?.trim() ?? 'nothing'}"`);
    }
  }
}

/** Another project with one crate, of which cargo writes a lock: it names the registry as this machine has it. */
function foreignLock(): string {
  const other = join(folder, 'other');
  mkdirSync(join(other, 'src'), { recursive: true });
  writeFileSync(join(other, 'src/lib.rs'), '');
  const manifest =
    '[package]\nname = "other"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\ncfg-if = "=1.0.5"\n';
  writeFileSync(join(other, 'Cargo.toml'), manifest);
  run('/usr/bin/cargo', ['generate-lockfile', '--quiet'], other);
  return readFileSync(join(other, 'Cargo.lock'), 'utf8');
}

/** No path of this machine goes into the artefact. */
function flags(): string {
  const registry = join(cargoHome, 'registry/src');
  const sources = readdirSync(registry).map((name) => [join(registry, name), '/crates']);
  const places = [[crate, '/crate'], [target, '/target'], ['/usr/lib/rustlib/src/rust', '/rust'], ...sources];
  return [
    '--cfg=getrandom_backend="custom"',
    '-Clinker-flavor=wasm-ld',
    '-Clink-arg=--export=__stack_pointer',
    '-Zlocation-detail=none',
    ...places.map(([from, to]) => `--remap-path-prefix=${from}=${to}`),
  ].join('\u001f');
}

checkTools();
mkdirSync(folder, { recursive: true });
cpSync(join(root, 'rust'), crate, { recursive: true });
writeFileSync(join(crate, 'Cargo.lock'), lockOf(readFileSync(join(root, 'rust/crates.lock'), 'utf8'), foreignLock()));
run('/usr/bin/cargo', ['fetch', '--locked', '--quiet'], crate);
const platform = ['--target', 'wasm32-unknown-unknown', '-Zbuild-std=std,panic_abort'];
run('/usr/bin/cargo', ['build', '--locked', '--release', '--jobs', '1', ...platform], crate, {
  CARGO_ENCODED_RUSTFLAGS: flags(),
});
const built = join(target, 'wasm32-unknown-unknown/release/sotto_libsignal_wasm.wasm');
const made = join(folder, 'libsignal.wasm');
run('/usr/bin/wasm-opt', ['-O3', '--all-features', '--strip-producers', built, '-o', made], folder);

const bytes = readFileSync(made);
const hash = createHash('sha256').update(bytes).digest('hex');
console.log(`${hash}  libsignal.wasm (${bytes.length} bytes, in ${folder})`);
const hashFile = join(root, 'artefact/libsignal.wasm.sha256');
if (values.check) {
  const isSame = readFileSync(hashFile, 'utf8').startsWith(hash);
  console.log(isSame ? 'the same as the committed artefact' : 'NOT the same as the committed artefact');
  process.exitCode = isSame ? 0 : 1;
} else {
  writeFileSync(join(root, 'artefact/libsignal.wasm'), bytes);
  writeFileSync(hashFile, `${hash}  libsignal.wasm\n`);
}
