const context = new TextEncoder().encode('sotto device list v1');

/** The bytes that the root key signs (XEdDSA): the context `sotto device list v1`, then the encoded `DeviceList`. */
export function signedBytesOfDeviceList(list: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(context.length + list.length);
  bytes.set(context, 0);
  bytes.set(list, context.length);
  return bytes;
}
