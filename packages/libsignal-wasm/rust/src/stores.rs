//! The stores are the host's. An operation that needs one stops with a question, and goes on with the answer:
//! libsignal's own code decides what is asked, in which order, and whether at all.

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::Poll;

use async_trait::async_trait;
use libsignal_protocol::*;
use uuid::Uuid;

use crate::failure::{Failure, Thrown};
use crate::wire::{Arguments, Values};

type Result<T> = std::result::Result<T, SignalProtocolError>;

thread_local! {
    static QUESTION: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
    static ANSWER: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// What the operation waits for, if it waits.
pub fn question() -> Option<Vec<u8>> {
    QUESTION.take()
}

pub fn answer(bytes: Vec<u8>) {
    ANSWER.set(Some(bytes));
}

/// The host's answer: a flag that says that the store threw and its words, or what was asked for.
struct Answer {
    bytes: Vec<u8>,
}

impl Answer {
    fn values(&self) -> Arguments<'_> {
        Arguments::new(self.bytes.get(4..).unwrap_or_default())
    }
}

async fn ask(method: &'static str, values: Values) -> Result<Answer> {
    let mut question = Some(Values::new().text(method).into_bytes());
    if let Some(bytes) = question.as_mut() {
        bytes.extend_from_slice(&values.into_bytes());
    }
    let bytes = poll_fn(move |_| {
        if let Some(bytes) = question.take() {
            QUESTION.set(Some(bytes));
            return Poll::Pending;
        }
        ANSWER.take().map_or(Poll::Pending, Poll::Ready)
    })
    .await;
    let mut read = Arguments::new(&bytes);
    if read.u32().map_err(unreadable)? == 0 {
        return Ok(Answer { bytes });
    }
    let words = read.text().map_err(unreadable)?.to_owned();
    Err(SignalProtocolError::ApplicationCallbackError(method, Box::new(Thrown(words))))
}

fn unreadable(failure: Failure) -> SignalProtocolError {
    match failure {
        Failure::Protocol(error) => error,
        Failure::Other(text) => SignalProtocolError::FfiBindingError(text),
    }
}

fn at(address: &ProtocolAddress) -> Values {
    Values::new().text(address.name()).u32(address.device_id().into())
}

/// Stands for every store of the host.
pub struct Stores;

#[async_trait(?Send)]
impl SessionStore for Stores {
    async fn load_session(&self, address: &ProtocolAddress) -> Result<Option<SessionRecord>> {
        let answer = ask("loadSession", at(address)).await?;
        let record = answer.values().optional().map_err(unreadable)?;
        record.map(SessionRecord::deserialize).transpose()
    }

    async fn store_session(&mut self, address: &ProtocolAddress, record: &SessionRecord) -> Result<()> {
        ask("storeSession", at(address).bytes(&record.serialize()?)).await?;
        Ok(())
    }
}

#[async_trait(?Send)]
impl IdentityKeyStore for Stores {
    async fn get_identity_key_pair(&self) -> Result<IdentityKeyPair> {
        let answer = ask("getLocalIdentityKeyPair", Values::new()).await?;
        let mut values = answer.values();
        let public_key = IdentityKey::decode(values.bytes().map_err(unreadable)?)?;
        let private_key = PrivateKey::deserialize(values.bytes().map_err(unreadable)?)?;
        Ok(IdentityKeyPair::new(public_key, private_key))
    }

    async fn get_local_registration_id(&self) -> Result<u32> {
        ask("getLocalRegistrationId", Values::new()).await?.values().u32().map_err(unreadable)
    }

    async fn save_identity(&mut self, address: &ProtocolAddress, identity: &IdentityKey) -> Result<IdentityChange> {
        let answer = ask("saveIdentityKey", at(address).bytes(&identity.serialize())).await?;
        Ok(IdentityChange::from_changed(answer.values().u32().map_err(unreadable)? != 0))
    }

    async fn is_trusted_identity(
        &self,
        address: &ProtocolAddress,
        identity: &IdentityKey,
        direction: Direction,
    ) -> Result<bool> {
        let direction = match direction {
            Direction::Sending => 0,
            Direction::Receiving => 1,
        };
        let values = at(address).bytes(&identity.serialize()).u32(direction);
        let answer = ask("isTrustedIdentity", values).await?;
        Ok(answer.values().u32().map_err(unreadable)? != 0)
    }

    async fn get_identity(&self, address: &ProtocolAddress) -> Result<Option<IdentityKey>> {
        let answer = ask("getIdentityKey", at(address)).await?;
        let key = answer.values().optional().map_err(unreadable)?;
        key.map(IdentityKey::decode).transpose()
    }
}

/// No operation of the library makes prekeys.
fn never_saved<T>() -> Result<T> {
    Err(SignalProtocolError::FfiBindingError("prekeys are saved by the host".into()))
}

#[async_trait(?Send)]
impl PreKeyStore for Stores {
    async fn get_pre_key(&self, id: PreKeyId) -> Result<PreKeyRecord> {
        let answer = ask("loadPreKey", Values::new().u32(id.into())).await?;
        PreKeyRecord::deserialize(answer.values().bytes().map_err(unreadable)?)
    }

    async fn save_pre_key(&mut self, _: PreKeyId, _: &PreKeyRecord) -> Result<()> {
        never_saved()
    }

    async fn remove_pre_key(&mut self, id: PreKeyId) -> Result<()> {
        ask("removePreKey", Values::new().u32(id.into())).await?;
        Ok(())
    }
}

#[async_trait(?Send)]
impl SignedPreKeyStore for Stores {
    async fn get_signed_pre_key(&self, id: SignedPreKeyId) -> Result<SignedPreKeyRecord> {
        let answer = ask("loadSignedPreKey", Values::new().u32(id.into())).await?;
        SignedPreKeyRecord::deserialize(answer.values().bytes().map_err(unreadable)?)
    }

    async fn save_signed_pre_key(&mut self, _: SignedPreKeyId, _: &SignedPreKeyRecord) -> Result<()> {
        never_saved()
    }
}

#[async_trait(?Send)]
impl KyberPreKeyStore for Stores {
    async fn get_kyber_pre_key(&self, id: KyberPreKeyId) -> Result<KyberPreKeyRecord> {
        let answer = ask("loadKyberPreKey", Values::new().u32(id.into())).await?;
        KyberPreKeyRecord::deserialize(answer.values().bytes().map_err(unreadable)?)
    }

    async fn save_kyber_pre_key(&mut self, _: KyberPreKeyId, _: &KyberPreKeyRecord) -> Result<()> {
        never_saved()
    }

    async fn mark_kyber_pre_key_used(
        &mut self,
        id: KyberPreKeyId,
        ec_prekey_id: SignedPreKeyId,
        base_key: &PublicKey,
    ) -> Result<()> {
        let values = Values::new().u32(id.into()).u32(ec_prekey_id.into()).bytes(&base_key.serialize());
        ask("markKyberPreKeyUsed", values).await?;
        Ok(())
    }
}

fn of(sender: &ProtocolAddress, distribution_id: Uuid) -> Values {
    at(sender).bytes(distribution_id.as_bytes())
}

#[async_trait(?Send)]
impl SenderKeyStore for Stores {
    async fn store_sender_key(
        &mut self,
        sender: &ProtocolAddress,
        distribution_id: Uuid,
        record: &SenderKeyRecord,
    ) -> Result<()> {
        ask("storeSenderKey", of(sender, distribution_id).bytes(&record.serialize()?)).await?;
        Ok(())
    }

    async fn load_sender_key(
        &mut self,
        sender: &ProtocolAddress,
        distribution_id: Uuid,
    ) -> Result<Option<SenderKeyRecord>> {
        let answer = ask("loadSenderKey", of(sender, distribution_id)).await?;
        let record = answer.values().optional().map_err(unreadable)?;
        record.map(SenderKeyRecord::deserialize).transpose()
    }
}
