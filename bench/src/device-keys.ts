import { randomBytes, randomUUID } from 'node:crypto';
import {
  IdentityKeyPair,
  KEMKeyPair,
  KyberPreKeyRecord,
  PreKeyRecord,
  PrivateKey,
  SignedPreKeyRecord,
} from '@signalapp/libsignal-client';
import {
  DeviceList,
  type PrekeyUpload,
  type RegistrationRequest,
  SignedDeviceList,
  type SignedPublicPrekey,
  signedBytesOfDeviceList,
  toBase64Url,
  uuidToBytes,
} from '@sotto/proto';

const prekeyId = 1;

/** The keys of an account with one device, made anew with libsignal alone. */
export class DeviceKeys {
  readonly userId = randomUUID();
  readonly registrationId = 1 + (randomBytes(2).readUInt16BE() % 16_380);
  /** What its contacts show when they send to it. */
  readonly accessKey = new Uint8Array(randomBytes(16));
  readonly identity = IdentityKeyPair.generate();
  /** An encoded SignedDeviceList: version 1, device 1. */
  readonly deviceList: Uint8Array;
  readonly prekey: PreKeyRecord;
  readonly signedPrekey: SignedPreKeyRecord;
  readonly kyberPrekey: KyberPreKeyRecord;

  constructor() {
    const root = PrivateKey.generate();
    const list = DeviceList.encode({
      userId: uuidToBytes(this.userId),
      version: 1,
      createdAt: 1,
      identityKey: this.identity.publicKey.serialize(),
      devices: [
        {
          deviceId: 1,
          registrationId: this.registrationId,
          deviceKey: PrivateKey.generate().getPublicKey().serialize(),
          addedAt: 1,
        },
      ],
    });
    this.deviceList = SignedDeviceList.encode({
      list,
      signature: root.sign(new Uint8Array(signedBytesOfDeviceList(list))),
      rootKey: root.getPublicKey().serialize(),
    });
    const [prekey, signed, kyber] = [PrivateKey.generate(), PrivateKey.generate(), KEMKeyPair.generate()];
    const sign = (bytes: Uint8Array<ArrayBuffer>) => this.identity.privateKey.sign(bytes);
    this.prekey = PreKeyRecord.new(prekeyId, prekey.getPublicKey(), prekey);
    this.signedPrekey = SignedPreKeyRecord.new(
      prekeyId,
      1,
      signed.getPublicKey(),
      signed,
      sign(signed.getPublicKey().serialize()),
    );
    this.kyberPrekey = KyberPreKeyRecord.new(prekeyId, 1, kyber, sign(kyber.getPublicKey().serialize()));
  }

  /** The public parts. */
  get publicPrekeys(): Required<PrekeyUpload> {
    const kyber = publicForm(this.kyberPrekey);
    return {
      signedPrekey: publicForm(this.signedPrekey),
      lastResortKyberPrekey: { ...kyber, id: kyber.id },
      prekeys: [{ id: prekeyId, publicKey: toBase64Url(this.prekey.publicKey().serialize()) }],
      kyberPrekeys: [],
    };
  }

  /** What makes an account of them. */
  registration(verificationId: string, code: string): RegistrationRequest {
    return {
      verificationId,
      code,
      idempotencyKey: toBase64Url(randomBytes(16)),
      userId: this.userId,
      deviceList: toBase64Url(this.deviceList),
      refreshToken: toBase64Url(randomBytes(32)),
      prekeys: this.publicPrekeys,
      profile: toBase64Url(randomBytes(300)),
      accessKey: toBase64Url(this.accessKey),
    };
  }
}

function publicForm(prekey: SignedPreKeyRecord | KyberPreKeyRecord): SignedPublicPrekey {
  return {
    id: prekey.id(),
    publicKey: toBase64Url(prekey.publicKey().serialize()),
    signature: toBase64Url(prekey.signature()),
  };
}
