import type { ConnectionChange } from '@sotto/sdk';

/** What to do once the account is not this device's any more. Who was only taken off its devices must not register: that would put all others out. */
export function endText(reason: ConnectionChange['reason'], when: 'running' | 'starting' = 'running'): string {
  const goOn = when === 'running' ? 'start again' : 'go on here';
  switch (reason) {
    case 'device-revoked':
      return 'this device was taken out of the account: --link-as NAME brings it back in';
    case 'account-replaced':
      return `the number was registered on another device: if that was you, start again with --link-as NAME; if not, ${goOn} to register it back`;
    case 'account-deleted':
      return `the account was deleted: ${goOn} to make another one`;
    default:
      return `the relay has ended the session of this account: start again with --link-as NAME if this was not its first device, else ${goOn} to register again`;
  }
}
