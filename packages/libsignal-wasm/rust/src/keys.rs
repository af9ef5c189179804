//! Curve25519 and Kyber keys, addresses.

use libsignal_protocol::*;
use signal_crypto::{HpkeError, SimpleHpkeReceiver, SimpleHpkeSender};

use crate::failure::{Failure, Outcome};
use crate::random::rng;
use crate::wire::{Arguments, Values};

pub fn public(arguments: &mut Arguments<'_>) -> Outcome<PublicKey> {
    Ok(PublicKey::deserialize(arguments.bytes()?)?)
}

pub fn private(arguments: &mut Arguments<'_>) -> Outcome<PrivateKey> {
    Ok(PrivateKey::deserialize(arguments.bytes()?)?)
}

pub fn identity(arguments: &mut Arguments<'_>) -> Outcome<IdentityKey> {
    Ok(IdentityKey::new(public(arguments)?))
}

pub fn address(arguments: &mut Arguments<'_>) -> Outcome<ProtocolAddress> {
    let name = arguments.text()?.to_owned();
    let device_id = arguments.u32()?;
    match DeviceId::try_from(device_id) {
        Ok(id) => Ok(ProtocolAddress::new(name, id)),
        Err(_) => Err(SignalProtocolError::InvalidProtocolAddress { name, device_id }.into()),
    }
}

fn bytes(value: impl AsRef<[u8]>) -> Values {
    Values::new().bytes(value.as_ref())
}

pub fn call(name: &str, arguments: &mut Arguments<'_>) -> Option<Outcome<Values>> {
    let run: fn(&mut Arguments<'_>) -> Outcome<Values> = match name {
        "PrivateKey_Generate" => |_| Ok(bytes(KeyPair::generate(&mut rng()).private_key.serialize())),
        "PrivateKey_Deserialize" => |arguments| Ok(bytes(private(arguments)?.serialize())),
        "PrivateKey_GetPublicKey" => {
            |arguments| Ok(bytes(private(arguments)?.public_key()?.serialize()))
        }
        "PrivateKey_Sign" => sign,
        "PrivateKey_Agree" => |arguments| {
            let (own, theirs) = (private(arguments)?, public(arguments)?);
            Ok(bytes(own.calculate_agreement(&theirs)?))
        },
        "PrivateKey_HpkeOpen" => open,
        "PublicKey_Deserialize" => |arguments| Ok(bytes(public(arguments)?.serialize())),
        "PublicKey_Verify" => |arguments| {
            let key = public(arguments)?;
            let (message, signature) = (arguments.bytes()?, arguments.bytes()?);
            Ok(Values::new().flag(key.verify_signature(message, signature)))
        },
        "PublicKey_HpkeSeal" => seal,
        "IdentityKey_VerifyAlternateIdentity" => |arguments| {
            let (key, other) = (identity(arguments)?, identity(arguments)?);
            Ok(Values::new().flag(key.verify_alternate_identity(&other, arguments.bytes()?)?))
        },
        "IdentityKeyPair_Serialize" => |arguments| {
            let (public, private) = (identity(arguments)?, private(arguments)?);
            Ok(bytes(IdentityKeyPair::new(public, private).serialize()))
        },
        "IdentityKeyPair_Deserialize" => |arguments| {
            let pair = IdentityKeyPair::try_from(arguments.bytes()?)?;
            Ok(bytes(pair.public_key().serialize()).bytes(&pair.private_key().serialize()))
        },
        "IdentityKeyPair_SignAlternateIdentity" => |arguments| {
            let pair = IdentityKeyPair::new(identity(arguments)?, private(arguments)?);
            Ok(bytes(pair.sign_alternate_identity(&identity(arguments)?, &mut rng())?))
        },
        "KyberKeyPair_Generate" => |_| {
            let pair = kem::KeyPair::generate(kem::KeyType::Kyber1024, &mut rng());
            Ok(bytes(pair.public_key.serialize()).bytes(&pair.secret_key.serialize()))
        },
        "KyberPublicKey_Deserialize" => {
            |arguments| Ok(bytes(kem::PublicKey::deserialize(arguments.bytes()?)?.serialize()))
        }
        "KyberSecretKey_Deserialize" => {
            |arguments| Ok(bytes(kem::SecretKey::deserialize(arguments.bytes()?)?.serialize()))
        }
        "ProtocolAddress_New" => |arguments| address(arguments).map(|_| Values::new()),
        "ServiceId_ParseFromServiceIdString" => |arguments| {
            let id = ServiceId::parse_from_service_id_string(arguments.text()?);
            service_id(id, "invalid Service-Id-String")
        },
        "ServiceId_ParseFromServiceIdBinary" => |arguments| {
            let id = ServiceId::parse_from_service_id_binary(arguments.bytes()?);
            service_id(id, "invalid Service-Id-Binary")
        },
        "ServiceId_ServiceIdString" => {
            |arguments| Ok(Values::new().text(&fixed_width(arguments)?.service_id_string()))
        }
        "ServiceId_ServiceIdBinary" => {
            |arguments| Ok(bytes(fixed_width(arguments)?.service_id_binary()))
        }
        "ServiceId_ServiceIdLog" => {
            |arguments| Ok(Values::new().text(&format!("{:?}", fixed_width(arguments)?)))
        }
        _ => return None,
    };
    Some(run(arguments))
}

fn sign(arguments: &mut Arguments<'_>) -> Outcome<Values> {
    let key = private(arguments)?;
    Ok(bytes(key.calculate_signature(arguments.bytes()?, &mut rng())?))
}

fn seal(arguments: &mut Arguments<'_>) -> Outcome<Values> {
    let key = public(arguments)?;
    let (message, info, associated) = (arguments.bytes()?, arguments.bytes()?, arguments.bytes()?);
    Ok(bytes(key.seal(info, associated, message).map_err(|error| hpke(error, "PublicKey"))?))
}

fn open(arguments: &mut Arguments<'_>) -> Outcome<Values> {
    let key = private(arguments)?;
    let (ciphertext, info, associated) = (arguments.bytes()?, arguments.bytes()?, arguments.bytes()?);
    Ok(bytes(key.open(info, associated, ciphertext).map_err(|error| hpke(error, "PrivateKey"))?))
}

fn hpke(error: HpkeError, key: &str) -> Failure {
    match error {
        HpkeError::OpenError => Failure::other("invalid authentication tag"),
        HpkeError::UnknownMode => Failure::other(format!("\"unknown HPKE algorithm for {key}\"")),
        error => Failure::other(format!("{error:?}")),
    }
}

fn service_id(id: Option<ServiceId>, problem: &str) -> Outcome<Values> {
    let id = id.ok_or_else(|| SignalProtocolError::InvalidArgument(problem.into()))?;
    Ok(bytes(id.service_id_fixed_width_binary()))
}

fn fixed_width(arguments: &mut Arguments<'_>) -> Outcome<ServiceId> {
    let id = ServiceId::parse_from_service_id_fixed_width_binary(
        arguments.bytes()?.try_into().map_err(|_| SignalProtocolError::InvalidArgument("17 bytes".into()))?,
    );
    Ok(id.ok_or_else(|| SignalProtocolError::InvalidArgument("invalid Service-Id-FixedWidthBinary".into()))?)
}

