import { type DeviceListRequest, type DevicesAnswer, type PrekeyUpload, toBase64Url } from '@sotto/proto';
import type { AuthorizedClient, CallOptions } from './http-client.ts';
import { booleanShape, bytesShape, integerShape, listShape, optionalShape, recordShape } from './json-shape.ts';

/** What the relay knows of an own device. */
export interface DeviceStanding {
  readonly deviceId: number;
  /** The beginning of the day on which it was connected last; undefined when the relay does not keep it. */
  readonly lastSeenDay: number | undefined;
  /** It was not connected for 45 days. */
  readonly idle: boolean;
  /** Nobody can begin a session with it before it has uploaded prekeys. */
  readonly keyless: boolean;
}

const deviceList = recordShape<{ readonly deviceList: Uint8Array }>({ deviceList: bytesShape(1, 256 * 1024) });
const standings = recordShape<{ readonly [Name in keyof DevicesAnswer]: readonly DeviceStanding[] }>({
  devices: listShape(
    recordShape<DeviceStanding>({
      deviceId: integerShape(1, 127),
      lastSeenDay: optionalShape(integerShape(0, Number.MAX_SAFE_INTEGER)),
      idle: booleanShape,
      keyless: booleanShape,
    }),
    127,
  ),
});

/**
 * Stores the next version of the own device list: `PUT /v1/devices`. The list that is stored already is success.
 * @param prekeys of this device, where the list brings a new identity key
 * @returns the list as it is stored, not checked yet
 * @throws {SottoError} `relay-refused` with relayCode `devices-changed` (another one was stored before), `device-list-invalid`, and as AuthorizedClient
 */
export async function storeDeviceList(
  http: AuthorizedClient,
  signed: Uint8Array,
  prekeys: Required<PrekeyUpload> | undefined,
  options: CallOptions = {},
): Promise<Uint8Array> {
  const body: DeviceListRequest = { deviceList: toBase64Url(signed), ...(prekeys && { prekeys }) };
  const answer = await http.authorized({
    method: 'PUT',
    path: '/v1/devices',
    body: JSON.stringify(body),
    answer: { type: 'json', shape: deviceList },
    signal: options.signal,
  });
  return answer.deviceList;
}

/**
 * What the relay knows of the own devices: `GET /v1/devices`.
 * @throws {SottoError} as AuthorizedClient
 */
export async function requestDevices(
  http: AuthorizedClient,
  options: CallOptions = {},
): Promise<readonly DeviceStanding[]> {
  const answer = await http.authorized({
    method: 'GET',
    path: '/v1/devices',
    answer: { type: 'json', shape: standings },
    signal: options.signal,
  });
  return answer.devices;
}
