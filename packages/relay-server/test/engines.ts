import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where the engines of the tests listen, as `npm run engines -- up` writes it down. */
export interface Engines {
  readonly kafka: {
    readonly brokers: readonly string[];
    /** The same brokers, where they want to know who comes: `plain` by SASL in plain text, `tls` over TLS with a certificate that the one in the file `ca` vouches for, by SCRAM-SHA-512 alone. */
    readonly secured: {
      readonly plain: readonly string[];
      readonly tls: readonly string[];
      readonly ca: string;
      readonly username: string;
      readonly password: string;
    };
  };
  readonly cassandra: {
    readonly contactPoints: readonly string[];
    readonly port: number;
    readonly localDataCenter: string;
  };
  readonly redis: { readonly url: string };
  readonly s3: {
    readonly endpoint: string;
    readonly region: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
}

/** The engines that run: of the file that `SOTTO_ENGINES` names, or else of `.engines/engines.json` at the root of the repository. */
export function runningEngines(): Engines {
  const file = engineFile();
  if (!existsSync(file)) throw new Error(`${file} is not there: bring the engines up with \`npm run engines -- up\``);
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Whether engines were brought up. */
export function hasEngines(): boolean {
  return existsSync(engineFile());
}

function engineFile(): string {
  return process.env.SOTTO_ENGINES ?? join(rootOf(import.meta.dirname), '.engines', 'engines.json');
}

function rootOf(folder: string): string {
  return existsSync(join(folder, 'vitest.cluster.config.ts')) ? folder : rootOf(dirname(folder));
}
