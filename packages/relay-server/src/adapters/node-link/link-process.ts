import { TestAuthority } from '../../../test/certificates.ts';
import { systemClock } from '../../platform/system-clock.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import { systemTimers } from '../../platform/system-timers.ts';
import { silentLogger } from '../memory/silent-logger.ts';
import { TlsNodeLink } from './tls-node-link.ts';

// A process of its own for tls-node-link.test.ts: it ends by itself only when closed links keep nothing alive.
const authority = new TestAuthority();
const open = () =>
  TlsNodeLink.open({
    listen: { host: '127.0.0.1', port: 0 },
    advertise: { host: 'localhost' },
    credentials: { ...authority.issue(), authority: authority.certificate },
    clock: systemClock,
    timers: systemTimers,
    randomness: systemRandomness,
    logger: silentLogger,
  });
const [one, other] = await Promise.all([open(), open()]);
other.serve(async (_, message) => message);
one.tell('localhost:1/nobody', new Uint8Array(1));
const waiting = one.request('localhost:1/nobody', new Uint8Array(1), { timeoutMs: 60_000 });
const reply = await one.request(other.node, new Uint8Array(1), { timeoutMs: 60_000 });
const statuses = [reply.status, (await waiting).status];
await Promise.all([one.close(), other.close()]);
console.log(statuses.join(' '));
