import { type Codec, codecOf } from './codec.ts';
import { sotto } from './generated/sotto.js';

const v1 = sotto.v1;

/** See content.proto. */
export type Content = sotto.v1.Content;
export type ContentFields = sotto.v1.Content.$Properties;
export const Content: Codec<Content, ContentFields> = codecOf('Content', v1.Content);

export type Profile = sotto.v1.Profile;
export const Profile: Codec<Profile, sotto.v1.Profile.$Properties> = codecOf('Profile', v1.Profile);

/** See envelope.proto. */
export type Envelope = sotto.v1.Envelope;
export type EnvelopeFields = sotto.v1.Envelope.$Properties;
export const Envelope: Codec<Envelope, EnvelopeFields> = codecOf('Envelope', v1.Envelope);

/** See device.proto. */
export type Device = sotto.v1.Device;
export type DeviceList = sotto.v1.DeviceList;
export const DeviceList: Codec<DeviceList, sotto.v1.DeviceList.$Properties> = codecOf('DeviceList', v1.DeviceList);

export type SignedDeviceList = sotto.v1.SignedDeviceList;
export type SignedDeviceListFields = sotto.v1.SignedDeviceList.$Properties;
export const SignedDeviceList: Codec<SignedDeviceList, SignedDeviceListFields> = codecOf(
  'SignedDeviceList',
  v1.SignedDeviceList,
);

/** See ciphertext.proto. */
export type RatchetMessage = sotto.v1.RatchetMessage;
export const RatchetMessage: Codec<RatchetMessage, sotto.v1.RatchetMessage.$Properties> = codecOf(
  'RatchetMessage',
  v1.RatchetMessage,
);
export type PrekeyMessage = sotto.v1.PrekeyMessage;
export const PrekeyMessage: Codec<PrekeyMessage, sotto.v1.PrekeyMessage.$Properties> = codecOf(
  'PrekeyMessage',
  v1.PrekeyMessage,
);

export type RetryRequest = sotto.v1.RetryRequest;
export const RetryRequest: Codec<RetryRequest, sotto.v1.RetryRequest.$Properties> = codecOf(
  'RetryRequest',
  v1.RetryRequest,
);

/** See ephemeral.proto. */
export type EphemeralPayload = sotto.v1.EphemeralPayload;
export const EphemeralPayload: Codec<EphemeralPayload, sotto.v1.EphemeralPayload.$Properties> = codecOf(
  'EphemeralPayload',
  v1.EphemeralPayload,
);
export type EphemeralSignal = sotto.v1.EphemeralSignal;
export type EphemeralSignalFields = sotto.v1.EphemeralSignal.$Properties;
export const EphemeralSignal: Codec<EphemeralSignal, EphemeralSignalFields> = codecOf(
  'EphemeralSignal',
  v1.EphemeralSignal,
);

/** See frames.proto. */
export type ClientFrame = sotto.v1.ClientFrame;
export type ClientFrameFields = sotto.v1.ClientFrame.$Properties;
export type ClientFrames = sotto.v1.ClientFrames;
export const ClientFrames: Codec<ClientFrames, sotto.v1.ClientFrames.$Properties> = codecOf(
  'ClientFrames',
  v1.ClientFrames,
);

export type ServerFrame = sotto.v1.ServerFrame;
export type ServerFrameFields = sotto.v1.ServerFrame.$Properties;
export type ServerFrames = sotto.v1.ServerFrames;
export const ServerFrames: Codec<ServerFrames, sotto.v1.ServerFrames.$Properties> = codecOf(
  'ServerFrames',
  v1.ServerFrames,
);

/** A Send by itself: a client stores it in this form before its bytes leave. */
export type Send = sotto.v1.Send;
export type SendFields = sotto.v1.Send.$Properties;
export const Send: Codec<Send, SendFields> = codecOf('Send', v1.Send);

/** A SendResult by itself: a relay records it in this form. */
export type SendResult = sotto.v1.SendResult;
export type SendResultFields = sotto.v1.SendResult.$Properties;
export const SendResult: Codec<SendResult, SendResultFields> = codecOf('SendResult', v1.SendResult);

export type RecipientResult = sotto.v1.RecipientResult;
export type RecipientResultFields = sotto.v1.RecipientResult.$Properties;
export type SendRecipient = sotto.v1.SendRecipient;
export type SendRecipientFields = sotto.v1.SendRecipient.$Properties;
export type SendDeviceFields = sotto.v1.SendDevice.$Properties;
export type Deliver = sotto.v1.Deliver;
export type Ephemeral = sotto.v1.Ephemeral;
export type FrameError = sotto.v1.FrameError;
export type Receipt = sotto.v1.Receipt;

export const CiphertextKind = v1.CiphertextKind;
export type CiphertextKind = sotto.v1.CiphertextKind;
export const RecipientStatus = v1.RecipientStatus;
export type RecipientStatus = sotto.v1.RecipientStatus;
export const DeviceStatus = v1.DeviceStatus;
export type DeviceStatus = sotto.v1.DeviceStatus;
export const ReceiptKind = v1.ReceiptKind;
export type ReceiptKind = sotto.v1.ReceiptKind;
