//! Certificates and contents of sealed senders.

use libsignal_protocol::*;

use crate::failure::Outcome;
use crate::keys;
use crate::messages;
use crate::random::rng;
use crate::wire::{Arguments, Values};

pub fn call(name: &str, arguments: &mut Arguments<'_>) -> Option<Outcome<Values>> {
    let run: fn(&mut Arguments<'_>) -> Outcome<Values> = match name {
        "ServerCertificate_New" => |arguments| {
            let (id, key, root) = (arguments.u32()?, keys::public(arguments)?, keys::private(arguments)?);
            server_fields(&ServerCertificate::new(id, key, &root, &mut rng())?)
        },
        "ServerCertificate_Deserialize" => {
            |arguments| server_fields(&ServerCertificate::deserialize(arguments.bytes()?)?)
        }
        "SenderCertificate_New" => sender_certificate,
        "SenderCertificate_Deserialize" => {
            |arguments| sender_fields(&SenderCertificate::deserialize(arguments.bytes()?)?)
        }
        "SenderCertificate_GetServerCertificate" => |arguments| {
            let certificate = SenderCertificate::deserialize(arguments.bytes()?)?;
            server_fields(certificate.signer()?)
        },
        "SenderCertificate_Validate" => |arguments| {
            let certificate = SenderCertificate::deserialize(arguments.bytes()?)?;
            let time = Timestamp::from_epoch_millis(arguments.u64()?);
            let roots = (0..arguments.u32()?).map(|_| keys::public(arguments)).collect::<Outcome<Vec<_>>>()?;
            let roots = roots.iter().collect::<Vec<_>>();
            Ok(Values::new().flag(certificate.validate_with_trust_roots(&roots, time)?))
        },
        "UnidentifiedSenderMessageContent_New" => |arguments| {
            let (kind, contents) = (messages::kind(arguments)?, arguments.bytes()?.to_vec());
            let sender = SenderCertificate::deserialize(arguments.bytes()?)?;
            let hint = ContentHint::from(arguments.u32()?);
            let group = arguments.optional()?.map(<[u8]>::to_vec);
            content_fields(&UnidentifiedSenderMessageContent::new(kind, sender, contents, hint, group)?)
        },
        "UnidentifiedSenderMessageContent_Deserialize" => {
            |arguments| content_fields(&UnidentifiedSenderMessageContent::deserialize(arguments.bytes()?)?)
        }
        "SealedSender_MultiRecipientMessageForSingleRecipient" => |arguments| {
            let sent = SealedSenderV2SentMessage::parse(arguments.bytes()?)?;
            let [recipient] = sent.recipients.values().collect::<Vec<_>>()[..] else {
                let problem = "only supports messages with exactly one recipient";
                return Err(SignalProtocolError::InvalidArgument(problem.into()).into());
            };
            Ok(Values::new().bytes(&sent.received_message_parts_for_recipient(recipient).as_ref().concat()))
        },
        _ => return None,
    };
    Some(run(arguments))
}

fn server_fields(certificate: &ServerCertificate) -> Outcome<Values> {
    Ok(Values::new()
        .u32(certificate.key_id()?)
        .bytes(&certificate.public_key()?.serialize())
        .bytes(certificate.certificate()?)
        .bytes(certificate.signature()?)
        .bytes(certificate.serialized()?))
}

fn sender_certificate(arguments: &mut Arguments<'_>) -> Outcome<Values> {
    let (uuid, number) = (arguments.text()?.to_owned(), arguments.optional_text()?);
    let device = DeviceId::try_from(arguments.u32()?)
        .map_err(|_| SignalProtocolError::InvalidArgument("device ID is out of range".into()))?;
    let (key, expiration) = (keys::public(arguments)?, Timestamp::from_epoch_millis(arguments.u64()?));
    let (signer, signer_key) = (ServerCertificate::deserialize(arguments.bytes()?)?, keys::private(arguments)?);
    let certificate =
        SenderCertificate::new(uuid, number, key, device, expiration, signer, &signer_key, &mut rng())?;
    sender_fields(&certificate)
}

fn sender_fields(certificate: &SenderCertificate) -> Outcome<Values> {
    Ok(Values::new()
        .text(certificate.sender_uuid()?)
        .optional(certificate.sender_e164()?.map(str::as_bytes))
        .u32(certificate.sender_device_id()?.into())
        .bytes(&certificate.key()?.serialize())
        .u64(certificate.expiration()?.epoch_millis())
        .bytes(certificate.certificate()?)
        .bytes(certificate.signature()?)
        .bytes(certificate.serialized()?))
}

pub fn content_fields(content: &UnidentifiedSenderMessageContent) -> Outcome<Values> {
    Ok(Values::new()
        .u32(content.msg_type()? as u32)
        .bytes(content.contents()?)
        .bytes(content.sender()?.serialized()?)
        .u32(content.content_hint()?.into())
        .optional(content.group_id()?)
        .bytes(content.serialized()?))
}
