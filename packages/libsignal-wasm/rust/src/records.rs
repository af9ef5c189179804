//! Prekeys, bundles, sessions and sender keys as they are stored.

use std::time::{Duration, SystemTime};

use libsignal_protocol::*;

use crate::failure::Outcome;
use crate::keys;
use crate::wire::{Arguments, Values};

pub fn call(name: &str, arguments: &mut Arguments<'_>) -> Option<Outcome<Values>> {
    let run: fn(&mut Arguments<'_>) -> Outcome<Values> = match name {
        "PreKeyRecord_New" => |arguments| {
            let id = PreKeyId::from(arguments.u32()?);
            let pair = KeyPair::new(keys::public(arguments)?, keys::private(arguments)?);
            Ok(Values::new().bytes(&PreKeyRecord::new(id, &pair).serialize()?))
        },
        "PreKeyRecord_Deserialize" => |arguments| {
            let record = prekey(arguments)?;
            Ok(Values::new().u32(record.id()?.into()).bytes(&record.serialize()?))
        },
        "PreKeyRecord_GetPublicKey" => {
            |arguments| Ok(Values::new().bytes(&prekey(arguments)?.public_key()?.serialize()))
        }
        "PreKeyRecord_GetPrivateKey" => {
            |arguments| Ok(Values::new().bytes(&prekey(arguments)?.private_key()?.serialize()))
        }
        "SignedPreKeyRecord_New" => |arguments| {
            let (id, time) = (arguments.u32()?, Timestamp::from_epoch_millis(arguments.u64()?));
            let pair = KeyPair::new(keys::public(arguments)?, keys::private(arguments)?);
            let record = SignedPreKeyRecord::new(id.into(), time, &pair, arguments.bytes()?);
            Ok(Values::new().bytes(&record.serialize()?))
        },
        "SignedPreKeyRecord_Deserialize" => |arguments| signed_fields(&signed(arguments)?),
        "SignedPreKeyRecord_GetPublicKey" => {
            |arguments| Ok(Values::new().bytes(&signed(arguments)?.public_key()?.serialize()))
        }
        "SignedPreKeyRecord_GetPrivateKey" => {
            |arguments| Ok(Values::new().bytes(&signed(arguments)?.private_key()?.serialize()))
        }
        "KyberPreKeyRecord_New" => |arguments| {
            let (id, time) = (arguments.u32()?, Timestamp::from_epoch_millis(arguments.u64()?));
            let pair = kem::KeyPair::from_public_and_private(arguments.bytes()?, arguments.bytes()?)?;
            let record = KyberPreKeyRecord::new(id.into(), time, &pair, arguments.bytes()?);
            Ok(Values::new().bytes(&record.serialize()?))
        },
        "KyberPreKeyRecord_Deserialize" => |arguments| signed_fields(&kyber(arguments)?),
        "KyberPreKeyRecord_GetPublicKey" => {
            |arguments| Ok(Values::new().bytes(&kyber(arguments)?.public_key()?.serialize()))
        }
        "KyberPreKeyRecord_GetSecretKey" => {
            |arguments| Ok(Values::new().bytes(&kyber(arguments)?.secret_key()?.serialize()))
        }
        "PreKeyBundle_New" => |arguments| bundle(arguments).map(|_| Values::new()),
        "SessionRecord_Deserialize" => |arguments| session(arguments).map(|_| Values::new()),
        "SessionRecord_ArchiveCurrentState" => |arguments| {
            let mut record = session(arguments)?;
            record.archive_current_state()?;
            Ok(Values::new().bytes(&record.serialize()?))
        },
        "SessionRecord_GetLocalRegistrationId" => {
            |arguments| Ok(Values::new().u32(session(arguments)?.local_registration_id()?))
        }
        "SessionRecord_GetRemoteRegistrationId" => {
            |arguments| Ok(Values::new().u32(session(arguments)?.remote_registration_id()?))
        }
        "SessionRecord_HasUsableSenderChain" => |arguments| {
            let record = session(arguments)?;
            let usable = record.has_usable_sender_chain(time(arguments)?, SessionUsabilityRequirements::all())?;
            Ok(Values::new().flag(usable))
        },
        "SessionRecord_CurrentRatchetKeyMatches" => |arguments| {
            let record = session(arguments)?;
            Ok(Values::new().flag(record.current_ratchet_key_matches(&keys::public(arguments)?)?))
        },
        "SenderKeyRecord_Deserialize" => {
            |arguments| SenderKeyRecord::deserialize(arguments.bytes()?).map(|_| Values::new()).map_err(Into::into)
        }
        _ => return None,
    };
    Some(run(arguments))
}

fn prekey(arguments: &mut Arguments<'_>) -> Outcome<PreKeyRecord> {
    Ok(PreKeyRecord::deserialize(arguments.bytes()?)?)
}

fn signed(arguments: &mut Arguments<'_>) -> Outcome<SignedPreKeyRecord> {
    Ok(SignedPreKeyRecord::deserialize(arguments.bytes()?)?)
}

fn kyber(arguments: &mut Arguments<'_>) -> Outcome<KyberPreKeyRecord> {
    Ok(KyberPreKeyRecord::deserialize(arguments.bytes()?)?)
}

fn signed_fields<Record: GenericSignedPreKey>(record: &Record) -> Outcome<Values> {
    Ok(Values::new()
        .u32(record.id()?.into())
        .u64(record.timestamp()?.epoch_millis())
        .bytes(&record.signature()?)
        .bytes(&record.serialize()?))
}

pub fn session(arguments: &mut Arguments<'_>) -> Outcome<SessionRecord> {
    Ok(SessionRecord::deserialize(arguments.bytes()?)?)
}

/// Milliseconds since 1970.
pub fn time(arguments: &mut Arguments<'_>) -> Outcome<SystemTime> {
    Ok(SystemTime::UNIX_EPOCH + Duration::from_millis(arguments.u64()?))
}

/// Registration id, device id, one-time prekey or none, signed prekey, identity key, Kyber prekey.
pub fn bundle(arguments: &mut Arguments<'_>) -> Outcome<PreKeyBundle> {
    let registration_id = arguments.u32()?;
    let device_id = DeviceId::try_from(arguments.u32()?)
        .map_err(|_| SignalProtocolError::InvalidArgument("device ID is out of range".into()))?;
    let (prekey_id, prekey) = (arguments.optional_u32()?, arguments.optional()?);
    let prekey = match (prekey_id, prekey) {
        (Some(id), Some(key)) => Some((id.into(), PublicKey::deserialize(key)?)),
        (None, None) => None,
        _ => {
            let problem = "Must supply both or neither of prekey and prekey_id";
            return Err(SignalProtocolError::InvalidArgument(problem.into()).into());
        }
    };
    let signed_id = arguments.u32()?.into();
    let (signed, signature) = (keys::public(arguments)?, arguments.bytes()?.to_vec());
    let identity = keys::identity(arguments)?;
    let kyber_id = arguments.u32()?.into();
    let kyber = kem::PublicKey::deserialize(arguments.bytes()?)?;
    let kyber_signature = arguments.bytes()?.to_vec();
    Ok(PreKeyBundle::new(
        registration_id,
        device_id,
        prekey,
        signed_id,
        signed,
        signature,
        kyber_id,
        kyber,
        kyber_signature,
        identity,
    )?)
}
