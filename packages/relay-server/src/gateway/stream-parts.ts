import type { Directory } from '../accounts/directory.ts';
import type { LimitsConfig, StreamConfig } from '../config/relay-config.ts';
import type { LastSeen } from '../devices/last-seen.ts';
import type { DeviceStream } from '../dispatch/connected-devices.ts';
import type { DeviceReach } from '../dispatch/device-reach.ts';
import type { Ingress } from '../mailbox/ingress.ts';
import type { RelayCounts } from '../metrics/relay-counts.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Mailbox } from '../ports/mailbox.ts';
import type { PrekeyStore } from '../ports/prekey-store.ts';
import type { Timers } from '../ports/timers.ts';
import type { TokenStore } from '../ports/token-store.ts';
import type { Tracer } from '../ports/tracer.ts';

/** What all streams of a relay share. */
export interface StreamParts {
  readonly ingress: Ingress;
  readonly reach: Pick<DeviceReach, 'ephemeral'>;
  readonly directory: Directory;
  readonly lastSeen: Pick<LastSeen, 'heard'>;
  readonly mailbox: Mailbox;
  readonly tokens: Pick<TokenStore, 'hasSession'>;
  readonly prekeys: PrekeyStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly tracer: Tracer;
  readonly logger: Logger;
  readonly counts: RelayCounts;
  readonly stream: StreamConfig;
  readonly limits: LimitsConfig;
  /** How long mail that was stored when a stream opened may be on its way from another node, before the stream says that all has been delivered. */
  readonly catchUpMs: number;
  /** A stream takes part no more: it is closing, or its connection is gone. Called once for each. */
  readonly onEnding: (stream: DeviceStream) => void;
}
