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

/** See group.proto. */
export type GroupRecord = sotto.v1.GroupRecord;
export type GroupRecordFields = sotto.v1.GroupRecord.$Properties;
export const GroupRecord: Codec<GroupRecord, GroupRecordFields> = codecOf('GroupRecord', v1.GroupRecord);
export type GroupKeyProof = sotto.v1.GroupKeyProof;
export type GroupKeyProofFields = sotto.v1.GroupKeyProof.$Properties;
export const GroupKeyProof: Codec<GroupKeyProof, GroupKeyProofFields> = codecOf('GroupKeyProof', v1.GroupKeyProof);

export type SignedGroupChange = sotto.v1.SignedGroupChange;
export type SignedGroupChangeFields = sotto.v1.SignedGroupChange.$Properties;
export const SignedGroupChange: Codec<SignedGroupChange, SignedGroupChangeFields> = codecOf(
  'SignedGroupChange',
  v1.SignedGroupChange,
);
export type GroupChange = sotto.v1.GroupChange;
export type GroupChangeFields = sotto.v1.GroupChange.$Properties;
export const GroupChange: Codec<GroupChange, GroupChangeFields> = codecOf('GroupChange', v1.GroupChange);
export type GroupOperation = sotto.v1.GroupOperation;
export type GroupOperationFields = sotto.v1.GroupOperation.$Properties;
export const GroupOperation: Codec<GroupOperation, GroupOperationFields> = codecOf('GroupOperation', v1.GroupOperation);
export type GroupState = sotto.v1.GroupState;
export type GroupStateFields = sotto.v1.GroupState.$Properties;
export const GroupState: Codec<GroupState, GroupStateFields> = codecOf('GroupState', v1.GroupState);
export type GroupCheckpoint = sotto.v1.GroupCheckpoint;
export type GroupCheckpointFields = sotto.v1.GroupCheckpoint.$Properties;
export const GroupCheckpoint: Codec<GroupCheckpoint, GroupCheckpointFields> = codecOf(
  'GroupCheckpoint',
  v1.GroupCheckpoint,
);
export type SignedGroupCheckpoint = sotto.v1.SignedGroupCheckpoint;
export type SignedGroupCheckpointFields = sotto.v1.SignedGroupCheckpoint.$Properties;
export const SignedGroupCheckpoint: Codec<SignedGroupCheckpoint, SignedGroupCheckpointFields> = codecOf(
  'SignedGroupCheckpoint',
  v1.SignedGroupCheckpoint,
);
export type CheckpointedGroup = sotto.v1.CheckpointedGroup;
export type CheckpointedGroupFields = sotto.v1.CheckpointedGroup.$Properties;
export const CheckpointedGroup: Codec<CheckpointedGroup, CheckpointedGroupFields> = codecOf(
  'CheckpointedGroup',
  v1.CheckpointedGroup,
);
export type GroupWelcome = sotto.v1.GroupWelcome;
export type GroupWelcomeFields = sotto.v1.GroupWelcome.$Properties;
export const GroupWelcome: Codec<GroupWelcome, GroupWelcomeFields> = codecOf('GroupWelcome', v1.GroupWelcome);
export type GroupInviteBox = sotto.v1.GroupInviteBox;
export type GroupInviteBoxFields = sotto.v1.GroupInviteBox.$Properties;
export const GroupInviteBox: Codec<GroupInviteBox, GroupInviteBoxFields> = codecOf('GroupInviteBox', v1.GroupInviteBox);
export type GroupKeys = sotto.v1.GroupKeys;
export type GroupKeysFields = sotto.v1.GroupKeys.$Properties;
export const GroupKeys: Codec<GroupKeys, GroupKeysFields> = codecOf('GroupKeys', v1.GroupKeys);
export type GroupKeyRequest = sotto.v1.GroupKeyRequest;
export type GroupKeyRequestFields = sotto.v1.GroupKeyRequest.$Properties;
export const GroupKeyRequest: Codec<GroupKeyRequest, GroupKeyRequestFields> = codecOf(
  'GroupKeyRequest',
  v1.GroupKeyRequest,
);
export type SenderKeyDistribution = sotto.v1.SenderKeyDistribution;
export type SenderKeyDistributionFields = sotto.v1.SenderKeyDistribution.$Properties;
export const SenderKeyDistribution: Codec<SenderKeyDistribution, SenderKeyDistributionFields> = codecOf(
  'SenderKeyDistribution',
  v1.SenderKeyDistribution,
);
export type GroupAvatar = sotto.v1.GroupAvatar;
export type GroupAvatarFields = sotto.v1.GroupAvatar.$Properties;
export type GroupCandidate = sotto.v1.GroupCandidate;
export type GroupCandidateFields = sotto.v1.GroupCandidate.$Properties;
export type GroupMember = sotto.v1.GroupMember;
export type GroupMemberFields = sotto.v1.GroupMember.$Properties;
export type GroupRequest = sotto.v1.GroupRequest;
export type GroupRequestFields = sotto.v1.GroupRequest.$Properties;
export type GroupInvite = sotto.v1.GroupInvite;
export type GroupInviteFields = sotto.v1.GroupInvite.$Properties;
export type GroupSettings = sotto.v1.GroupSettings;
export type GroupSettingsFields = sotto.v1.GroupSettings.$Properties;
export const GroupRole = v1.GroupRole;
export type GroupRole = sotto.v1.GroupRole;
export const GroupAccess = v1.GroupAccess;
export type GroupAccess = sotto.v1.GroupAccess;

/** See sync.proto. */
export type Sync = sotto.v1.Sync;
export type SyncFields = sotto.v1.Sync.$Properties;
export const Sync: Codec<Sync, SyncFields> = codecOf('Sync', v1.Sync);
export type SyncSent = sotto.v1.SyncSent;
export type SyncChat = sotto.v1.SyncChat;
export type SyncChatFields = sotto.v1.SyncChat.$Properties;
export type SyncContact = sotto.v1.SyncContact;
export type SyncContactFields = sotto.v1.SyncContact.$Properties;
export type SyncGroup = sotto.v1.SyncGroup;
export type SyncGroupFields = sotto.v1.SyncGroup.$Properties;
export type SyncRead = sotto.v1.SyncRead;
export type SyncAccount = sotto.v1.SyncAccount;
export type SyncSnapshot = sotto.v1.SyncSnapshot;
export type SyncSnapshotFields = sotto.v1.SyncSnapshot.$Properties;

/** See linking.proto. */
export type LinkCode = sotto.v1.LinkCode;
export type LinkCodeFields = sotto.v1.LinkCode.$Properties;
export const LinkCode: Codec<LinkCode, LinkCodeFields> = codecOf('LinkCode', v1.LinkCode);
export type ProvisionMessage = sotto.v1.ProvisionMessage;
export const ProvisionMessage: Codec<ProvisionMessage, sotto.v1.ProvisionMessage.$Properties> = codecOf(
  'ProvisionMessage',
  v1.ProvisionMessage,
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
export type DeviceResultFields = sotto.v1.DeviceResult.$Properties;
export type SendRecipient = sotto.v1.SendRecipient;
export type SendRecipientFields = sotto.v1.SendRecipient.$Properties;
export type SendDeviceFields = sotto.v1.SendDevice.$Properties;
export type Deliver = sotto.v1.Deliver;
export type Ephemeral = sotto.v1.Ephemeral;
export type FrameError = sotto.v1.FrameError;
export type Receipt = sotto.v1.Receipt;

/** See sealed.proto. */
export type SealedSends = sotto.v1.SealedSends;
export type SealedSendsFields = sotto.v1.SealedSends.$Properties;
export const SealedSends: Codec<SealedSends, SealedSendsFields> = codecOf('SealedSends', v1.SealedSends);
export type SealedSendFields = sotto.v1.SealedSend.$Properties;
export type SealedMultiSend = sotto.v1.SealedMultiSend;
export type SealedMultiSendFields = sotto.v1.SealedMultiSend.$Properties;
export const SealedMultiSend: Codec<SealedMultiSend, SealedMultiSendFields> = codecOf(
  'SealedMultiSend',
  v1.SealedMultiSend,
);
export type SealedMultiSends = sotto.v1.SealedMultiSends;
export type SealedMultiSendsFields = sotto.v1.SealedMultiSends.$Properties;
export const SealedMultiSends: Codec<SealedMultiSends, SealedMultiSendsFields> = codecOf(
  'SealedMultiSends',
  v1.SealedMultiSends,
);
export type SealedResults = sotto.v1.SealedResults;
export const SealedResults: Codec<SealedResults, sotto.v1.SealedResults.$Properties> = codecOf(
  'SealedResults',
  v1.SealedResults,
);
export type SealedContext = sotto.v1.SealedContext;
export type SealedContextFields = sotto.v1.SealedContext.$Properties;
export const SealedContext: Codec<SealedContext, SealedContextFields> = codecOf('SealedContext', v1.SealedContext);

export const CiphertextKind = v1.CiphertextKind;
export type CiphertextKind = sotto.v1.CiphertextKind;
export const RecipientStatus = v1.RecipientStatus;
export type RecipientStatus = sotto.v1.RecipientStatus;
export const DeviceStatus = v1.DeviceStatus;
export type DeviceStatus = sotto.v1.DeviceStatus;
export const ReceiptKind = v1.ReceiptKind;
export type ReceiptKind = sotto.v1.ReceiptKind;

/** See mail-record.proto. */
export type MailRecord = sotto.v1.MailRecord;
export type MailRecordFields = sotto.v1.MailRecord.$Properties;
export const MailRecord: Codec<MailRecord, MailRecordFields> = codecOf('MailRecord', v1.MailRecord);
