/**
 * How the stream to the relay is.
 *
 * `stopped`: not started, or stopped. `offline`: waiting to try again. `connecting`. `catching-up`: open, what was stored is being delivered. `live`: open, everything stored has come.
 * `replaced`: another process streams as this device. `ended`: the relay ended the session: register again.
 */
export type ConnectionState = 'stopped' | 'offline' | 'connecting' | 'catching-up' | 'live' | 'replaced' | 'ended';
