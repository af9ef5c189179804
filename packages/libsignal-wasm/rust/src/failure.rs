//! Errors as the native library names them.

use std::fmt;

use libsignal_protocol::SignalProtocolError;

use crate::wire::Values;

pub type Outcome<T> = Result<T, Failure>;

/// An error on its way to the host.
pub enum Failure {
    Protocol(SignalProtocolError),
    Other(String),
}

impl Failure {
    pub fn other(text: impl fmt::Display) -> Self {
        Self::Other(text.to_string())
    }

    /// The name of the error code, the message, and what else belongs to it.
    pub fn into_values(self) -> Values {
        let error = match self {
            Self::Other(text) => return Values::new().text("").text(&text),
            Self::Protocol(error) => error,
        };
        let message = error.to_string();
        let named = |name: &str| Values::new().text(name).text(&message);
        match &error {
            SignalProtocolError::DuplicatedMessage(..) => named("DuplicatedMessage"),
            SignalProtocolError::SealedSenderSelfSend => named("SealedSenderSelfSend"),
            SignalProtocolError::UntrustedIdentity(address) => named("UntrustedIdentity").text(address.name()),
            SignalProtocolError::InvalidRegistrationId(address, _) => named("InvalidRegistrationId")
                .text(address.name())
                .u32(address.device_id().into()),
            SignalProtocolError::InvalidProtocolAddress { name, device_id } => {
                named("InvalidProtocolAddress").text(name).u32(*device_id)
            }
            SignalProtocolError::InvalidSessionStructure(..) => named("InvalidSession"),
            SignalProtocolError::InvalidSenderKeySession { distribution_id } => {
                named("InvalidSenderKeySession").text(&distribution_id.to_string())
            }
            _ => named(""),
        }
    }
}

impl<E: Into<SignalProtocolError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Protocol(error.into())
    }
}

/// What a store threw.
#[derive(Debug)]
pub struct Thrown(pub String);

impl fmt::Display for Thrown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Thrown {}
