import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './pages.ts';

/** Examples as a reader would have them: files in a folder of their own, where Sotto's packages are installed. */
export interface ExampleFolder extends AsyncDisposable {
  readonly path: string;
  write(name: string, code: string): Promise<void>;
  /** Checks what stands in `mine` under the strict settings of this repository; what the compiler said, and its status: 0 when it had nothing to say. */
  compile(): Promise<{ readonly status: number | null; readonly stdout: string }>;
  run(name: string): ExampleProcess;
}

/** A program that was started from an example; it ends with its folder. */
export interface ExampleProcess {
  /** Resolves with all output when it holds a text. Rejects with all output when the program ends before. */
  says(text: string): Promise<string>;
  type(line: string): void;
  /** Ends it. */
  end(): Promise<void>;
}

/** Makes an empty folder for examples. */
export async function exampleFolder(): Promise<ExampleFolder> {
  const path = await mkdtemp(join(tmpdir(), 'sotto-example-'));
  await symlink(join(root, 'node_modules'), join(path, 'node_modules'));
  await writeFile(join(path, 'package.json'), JSON.stringify({ type: 'module' }));
  const children: ChildProcess[] = [];
  const write = async (name: string, code: string) => {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), code);
  };
  return {
    path,
    write,
    async compile() {
      const settings = {
        extends: join(root, 'tsconfig.base.json'),
        compilerOptions: { types: ['node'] },
        include: ['mine/*.ts'],
      };
      await write('tsconfig.json', JSON.stringify(settings));
      const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', path], { encoding: 'utf8' });
      return { status, stdout };
    },
    run(name) {
      const child = spawn(process.execPath, ['--conditions=sotto-source', name], { cwd: path, stdio: 'pipe' });
      children.push(child);
      return watched(child);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map(end));
      await rm(path, { recursive: true, force: true });
    },
  };
}

function watched(child: ChildProcess): ExampleProcess {
  let output = '';
  let ended = false;
  let waiting: (() => boolean)[] = [];
  const look = () => {
    waiting = waiting.filter((isDone) => !isDone());
  };
  const hear = (text: string) => {
    output += text;
    look();
  };
  child.stdout?.setEncoding('utf8').on('data', hear);
  child.stderr?.setEncoding('utf8').on('data', hear);
  child.once('close', () => {
    ended = true;
    look();
  });
  return {
    says: (text) =>
      new Promise((resolve, reject) => {
        waiting.push(() => {
          if (output.includes(text)) resolve(output);
          else if (ended) reject(new Error(`it ended without saying "${text}":\n${output}`));
          else return false;
          return true;
        });
        look();
      }),
    type: (line) => child.stdin?.write(`${line}\n`),
    end: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
