import { execFile } from 'node:child_process';
import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/**
 * Makes the key of a cluster's TLS, once: a PKCS #12 file for the brokers, and its certificate, which signs itself and is what clients trust. With `keytool`, which comes with Java.
 * @param password stands in the environment, not in a command line
 */
export async function makeKafkaKey(keyStore: string, certificate: string, password: string): Promise<void> {
  if (existsSync(keyStore) && existsSync(certificate)) return;
  const options = { env: { ...process.env, STORE_PASSWORD: password }, timeout: 60_000 };
  const part = `${keyStore}.part`;
  const store = ['-keystore', part, '-storetype', 'PKCS12', '-storepass:env', 'STORE_PASSWORD', '-alias', 'kafka'];
  const subject = ['-dname', 'CN=Sotto engines', '-ext', 'SAN=ip:127.0.0.1,dns:localhost', '-validity', '3650'];
  rmSync(part, { force: true });
  await execute('keytool', ['-genkeypair', '-keyalg', 'EC', '-groupname', 'secp256r1', ...subject, ...store], options);
  await execute('keytool', ['-exportcert', '-rfc', '-file', certificate, ...store], options);
  chmodSync(part, 0o600);
  chmodSync(certificate, 0o600);
  renameSync(part, keyStore);
}
