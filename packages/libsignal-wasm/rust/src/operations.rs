//! What asks stores.

use libsignal_protocol::*;

use crate::failure::{Failure, Outcome};
use crate::keys::address;
use crate::messages::{distribution_fields, distribution_id};
use crate::random::rng;
use crate::records::{bundle, session, time};
use crate::sealed::content_fields;
use crate::stores::Stores;
use crate::wire::{Arguments, Values};

/// One operation: the host resumes it until it is done.
pub async fn operation(request: Vec<u8>) -> Outcome<Values> {
    let mut arguments = Arguments::new(&request);
    let name = arguments.text()?;
    let arguments = &mut arguments;
    match name {
        "SessionBuilder_ProcessPreKeyBundle" => {
            let (remote, now, bundle) = (address(arguments)?, time(arguments)?, bundle(arguments)?);
            process_prekey_bundle(&remote, &mut Stores, &mut Stores, &bundle, now, &mut rng()).await?;
            Ok(Values::new())
        }
        "SessionCipher_EncryptMessage" => {
            let (remote, now, text) = (address(arguments)?, time(arguments)?, arguments.bytes()?);
            let message = message_encrypt(text, &remote, &mut Stores, &mut Stores, now, &mut rng()).await?;
            Ok(ciphertext(&message))
        }
        "SessionCipher_DecryptSignalMessage" => {
            let (remote, message) = (address(arguments)?, SignalMessage::try_from(arguments.bytes()?)?);
            let text = message_decrypt_signal(&message, &remote, &mut Stores, &mut Stores, &mut rng()).await?;
            Ok(Values::new().bytes(&text))
        }
        "SessionCipher_DecryptPreKeySignalMessage" => {
            let (remote, message) = (address(arguments)?, PreKeySignalMessage::try_from(arguments.bytes()?)?);
            let text = message_decrypt_prekey(
                &message,
                &remote,
                &mut Stores,
                &mut Stores,
                &mut Stores,
                &Stores,
                &mut Stores,
                &mut rng(),
            )
            .await?;
            Ok(Values::new().bytes(&text))
        }
        "SenderKeyDistributionMessage_Create" => {
            let (sender, id) = (address(arguments)?, distribution_id(arguments)?);
            let message = create_sender_key_distribution_message(&sender, id, &mut Stores, &mut rng()).await?;
            distribution_fields(&message)
        }
        "SenderKeyDistributionMessage_Process" => {
            let sender = address(arguments)?;
            let message = SenderKeyDistributionMessage::try_from(arguments.bytes()?)?;
            process_sender_key_distribution_message(&sender, &message, &mut Stores).await?;
            Ok(Values::new())
        }
        "GroupCipher_EncryptMessage" => {
            let (sender, id, text) = (address(arguments)?, distribution_id(arguments)?, arguments.bytes()?);
            let message = group_encrypt(&mut Stores, &sender, id, text, &mut rng()).await?;
            Ok(ciphertext(&CiphertextMessage::SenderKeyMessage(message)))
        }
        "GroupCipher_DecryptMessage" => {
            let (sender, message) = (address(arguments)?, arguments.bytes()?);
            Ok(Values::new().bytes(&group_decrypt(message, &mut Stores, &sender).await?))
        }
        "SealedSender_Encrypt" => {
            let remote = address(arguments)?;
            let content = UnidentifiedSenderMessageContent::deserialize(arguments.bytes()?)?;
            let sealed = sealed_sender_encrypt_from_usmc(&remote, &content, &Stores, &mut rng()).await?;
            Ok(Values::new().bytes(&sealed))
        }
        "SealedSender_MultiRecipientEncrypt" => seal_for_many(arguments).await,
        "SealedSender_DecryptToUsmc" => {
            content_fields(&sealed_sender_decrypt_to_usmc(arguments.bytes()?, &Stores).await?)
        }
        name => Err(Failure::other(format!("there is no operation {name}"))),
    }
}

fn ciphertext(message: &CiphertextMessage) -> Values {
    Values::new().u32(message.message_type() as u32).bytes(message.serialize())
}

async fn seal_for_many(arguments: &mut Arguments<'_>) -> Outcome<Values> {
    let content = UnidentifiedSenderMessageContent::deserialize(arguments.bytes()?)?;
    let mut addresses = Vec::new();
    let mut sessions = Vec::new();
    for _ in 0..arguments.u32()? {
        addresses.push(address(arguments)?);
        sessions.push(session(arguments)?);
    }
    let mut excluded = Vec::new();
    for id in arguments.bytes()?.chunks(size_of::<ServiceIdFixedWidthBinaryBytes>()) {
        let id = id.try_into().ok().and_then(|bytes| ServiceId::parse_from_service_id_fixed_width_binary(&bytes));
        excluded.push(id.ok_or_else(|| SignalProtocolError::InvalidArgument("invalid excluded recipient".into()))?);
    }
    let (addresses, sessions) = (addresses.iter().collect::<Vec<_>>(), sessions.iter().collect::<Vec<_>>());
    let sealed =
        sealed_sender_multi_recipient_encrypt(&addresses, &sessions, excluded, &content, &Stores, &mut rng()).await?;
    Ok(Values::new().bytes(&sealed))
}
