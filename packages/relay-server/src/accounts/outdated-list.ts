import type { StoredDeviceList } from '../ports/account-store.ts';
import { RelayError } from '../relay-error.ts';

/** Another list was stored before: with it, if the account is still there. */
export function outdatedList(now: StoredDeviceList | undefined): RelayError {
  return new RelayError('devices-changed', 'Another version was stored before: build on the list that is here.', {
    ...(now && { deviceList: now.signed }),
  });
}
