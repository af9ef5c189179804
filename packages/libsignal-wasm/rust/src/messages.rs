//! Messages on the wire: made, and taken apart.

use libsignal_protocol::*;
use uuid::Uuid;

use crate::failure::Outcome;
use crate::keys;
use crate::random::rng;
use crate::wire::{Arguments, Values};

pub fn call(name: &str, arguments: &mut Arguments<'_>) -> Option<Outcome<Values>> {
    let run: fn(&mut Arguments<'_>) -> Outcome<Values> = match name {
        "SignalMessage_New" => signal_message,
        "SignalMessage_Deserialize" => |arguments| Ok(signal_fields(&SignalMessage::try_from(arguments.bytes()?)?)),
        "PreKeySignalMessage_New" => prekey_message,
        "PreKeySignalMessage_Deserialize" => |arguments| {
            let message = PreKeySignalMessage::try_from(arguments.bytes()?)?;
            Ok(prekey_fields(&message))
        },
        "SenderKeyMessage_New" => sender_key_message,
        "SenderKeyMessage_Deserialize" => |arguments| {
            let message = SenderKeyMessage::try_from(arguments.bytes()?)?;
            Ok(sender_key_fields(&message))
        },
        "SenderKeyMessage_VerifySignature" => |arguments| {
            let message = SenderKeyMessage::try_from(arguments.bytes()?)?;
            Ok(Values::new().flag(message.verify_signature(&keys::public(arguments)?)?))
        },
        "SenderKeyDistributionMessage_New" => |arguments| {
            let (version, id) = (version(arguments)?, distribution_id(arguments)?);
            let (chain, iteration) = (arguments.u32()?, arguments.u32()?);
            let (chain_key, key) = (arguments.bytes()?.to_vec(), keys::public(arguments)?);
            let message = SenderKeyDistributionMessage::new(version, id, chain, iteration, chain_key, key)?;
            distribution_fields(&message)
        },
        "SenderKeyDistributionMessage_Deserialize" => {
            |arguments| distribution_fields(&SenderKeyDistributionMessage::try_from(arguments.bytes()?)?)
        }
        "PlaintextContent_Deserialize" => {
            |arguments| Ok(plaintext_fields(&PlaintextContent::try_from(arguments.bytes()?)?))
        }
        "PlaintextContent_FromDecryptionErrorMessage" => |arguments| {
            let message = DecryptionErrorMessage::try_from(arguments.bytes()?)?;
            Ok(plaintext_fields(&PlaintextContent::from(message)))
        },
        "DecryptionErrorMessage_ForOriginalMessage" => |arguments| {
            let (bytes, kind) = (arguments.bytes()?, kind(arguments)?);
            let (time, device) = (Timestamp::from_epoch_millis(arguments.u64()?), arguments.u32()?);
            Ok(error_fields(&DecryptionErrorMessage::for_original(bytes, kind, time, device)?))
        },
        "DecryptionErrorMessage_Deserialize" => {
            |arguments| Ok(error_fields(&DecryptionErrorMessage::try_from(arguments.bytes()?)?))
        }
        "DecryptionErrorMessage_ExtractFromSerializedContent" => {
            |arguments| Ok(error_fields(&extract_decryption_error_message_from_serialized_content(arguments.bytes()?)?))
        }
        _ => return None,
    };
    Some(run(arguments))
}

pub fn distribution_id(arguments: &mut Arguments<'_>) -> Outcome<Uuid> {
    Uuid::from_slice(arguments.bytes()?)
        .map_err(|_| SignalProtocolError::InvalidArgument("a distribution id has 16 bytes".into()).into())
}

pub fn kind(arguments: &mut Arguments<'_>) -> Outcome<CiphertextMessageType> {
    let number = arguments.u32()?;
    let kind = u8::try_from(number).ok().and_then(|number| CiphertextMessageType::try_from(number).ok());
    Ok(kind.ok_or_else(|| {
        SignalProtocolError::InvalidArgument(format!("unknown CiphertextMessageType {number}"))
    })?)
}

fn version(arguments: &mut Arguments<'_>) -> Outcome<u8> {
    let number = arguments.u32()?;
    Ok(u8::try_from(number).map_err(|_| SignalProtocolError::UnrecognizedMessageVersion(number))?)
}

fn signal_message(arguments: &mut Arguments<'_>) -> Outcome<Values> {
    let (version, mac_key, ratchet_key) = (version(arguments)?, arguments.bytes()?, keys::public(arguments)?);
    let (counter, previous, ciphertext) = (arguments.u32()?, arguments.u32()?, arguments.bytes()?);
    let (sender, receiver) = (keys::identity(arguments)?, keys::identity(arguments)?);
    let message = SignalMessage::new(
        version,
        mac_key,
        ratchet_key,
        counter,
        previous,
        ciphertext,
        &sender,
        &receiver,
        arguments.bytes()?,
    )?;
    Ok(signal_fields(&message))
}

fn signal_fields(message: &SignalMessage) -> Values {
    Values::new()
        .u32(message.message_version().into())
        .u32(message.counter())
        .bytes(message.body())
        .bytes(message.pq_ratchet())
        .bytes(message.serialized())
}

fn prekey_message(arguments: &mut Arguments<'_>) -> Outcome<Values> {
    let (version, registration_id) = (version(arguments)?, arguments.u32()?);
    let (prekey_id, signed_id) = (arguments.optional_u32()?, arguments.u32()?);
    let (base_key, identity) = (keys::public(arguments)?, keys::identity(arguments)?);
    let inner = SignalMessage::try_from(arguments.bytes()?)?;
    let message = PreKeySignalMessage::new(
        version,
        registration_id,
        prekey_id.map(Into::into),
        signed_id.into(),
        None,
        base_key,
        identity,
        inner,
    )?;
    Ok(prekey_fields(&message))
}

fn prekey_fields(message: &PreKeySignalMessage) -> Values {
    Values::new()
        .u32(message.message_version().into())
        .u32(message.registration_id())
        .optional_u32(message.pre_key_id().map(Into::into))
        .u32(message.signed_pre_key_id().into())
        .bytes(message.message().pq_ratchet())
        .bytes(message.serialized())
}

fn sender_key_message(arguments: &mut Arguments<'_>) -> Outcome<Values> {
    let (version, id) = (version(arguments)?, distribution_id(arguments)?);
    let (chain, iteration) = (arguments.u32()?, arguments.u32()?);
    let (ciphertext, key) = (arguments.bytes()?.into(), keys::private(arguments)?);
    let message = SenderKeyMessage::new(version, id, chain, iteration, ciphertext, &mut rng(), &key)?;
    Ok(sender_key_fields(&message))
}

fn sender_key_fields(message: &SenderKeyMessage) -> Values {
    Values::new()
        .bytes(message.distribution_id().as_bytes())
        .u32(message.chain_id())
        .u32(message.iteration())
        .bytes(message.ciphertext())
        .bytes(message.serialized())
}

pub fn distribution_fields(message: &SenderKeyDistributionMessage) -> Outcome<Values> {
    Ok(Values::new()
        .bytes(message.distribution_id()?.as_bytes())
        .u32(message.chain_id()?)
        .u32(message.iteration()?)
        .bytes(message.chain_key()?)
        .bytes(message.serialized()))
}

fn plaintext_fields(content: &PlaintextContent) -> Values {
    Values::new().bytes(content.body()).bytes(content.serialized())
}

fn error_fields(message: &DecryptionErrorMessage) -> Values {
    let key = message.ratchet_key().map(PublicKey::serialize);
    Values::new()
        .u64(message.timestamp().epoch_millis())
        .u32(message.device_id())
        .optional(key.as_deref())
        .bytes(message.serialized())
}
