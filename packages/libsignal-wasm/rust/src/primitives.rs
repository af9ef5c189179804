//! HKDF, AES-256-GCM-SIV, fingerprints, hashes of PINs.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use argon2::{Algorithm, Argon2, Params, Version};
use hkdf::Hkdf;
use libsignal_protocol::{Fingerprint, FingerprintError, ScannableFingerprint, SignalProtocolError};
use sha2::Sha256;

use crate::failure::{Failure, Outcome};
use crate::keys;
use crate::wire::{Arguments, Values};

const NONCE_LENGTH: usize = 12;
const PIN_MEMORY_KIB: u32 = 16 * 1024;
const PIN_ITERATIONS: u32 = 32;
const PIN_LANES: u32 = 1;

pub fn call(name: &str, arguments: &mut Arguments<'_>) -> Option<Outcome<Values>> {
    let run: fn(&mut Arguments<'_>) -> Outcome<Values> = match name {
        "HKDF_DeriveSecrets" => derive,
        "Aes256GcmSiv_New" => |arguments| cipher(arguments.bytes()?).map(|_| Values::new()),
        "Aes256GcmSiv_Encrypt" => |arguments| {
            let cipher = cipher(arguments.bytes()?)?;
            let (text, nonce, aad) = (arguments.bytes()?, nonce(arguments)?, arguments.bytes()?);
            let sealed = cipher.encrypt(&nonce, Payload { msg: text, aad });
            Ok(Values::new().bytes(&sealed.map_err(|_| Failure::other("invalid input size"))?))
        },
        "Aes256GcmSiv_Decrypt" => |arguments| {
            let cipher = cipher(arguments.bytes()?)?;
            let (text, nonce, aad) = (arguments.bytes()?, nonce(arguments)?, arguments.bytes()?);
            let opened = cipher.decrypt(&nonce, Payload { msg: text, aad });
            Ok(Values::new().bytes(&opened.map_err(|_| Failure::other("invalid authentication tag"))?))
        },
        "Fingerprint_New" => fingerprint,
        "ScannableFingerprint_Compare" => |arguments| {
            let own = ScannableFingerprint::deserialize(arguments.bytes()?).map_err(printed)?;
            Ok(Values::new().flag(own.compare(arguments.bytes()?).map_err(printed)?))
        },
        "PinHash_FromSalt" => pin_hash,
        _ => return None,
    };
    Some(run(arguments))
}

fn derive(arguments: &mut Arguments<'_>) -> Outcome<Values> {
    let length = arguments.u32()? as usize;
    let (material, label, salt) = (arguments.bytes()?, arguments.bytes()?, arguments.optional()?);
    if length > 255 * 32 {
        return Err(SignalProtocolError::InvalidArgument(format!("output too long ({length})")).into());
    }
    let mut derived = vec![0; length];
    Hkdf::<Sha256>::new(salt, material).expand(label, &mut derived).map_err(Failure::other)?;
    Ok(Values::new().bytes(&derived))
}

fn cipher(key: &[u8]) -> Outcome<Aes256GcmSiv> {
    Aes256GcmSiv::new_from_slice(key).map_err(|_| Failure::other("invalid key size"))
}

fn nonce(arguments: &mut Arguments<'_>) -> Outcome<Nonce> {
    let bytes = arguments.bytes()?;
    if bytes.len() != NONCE_LENGTH {
        return Err(Failure::other("invalid nonce size"));
    }
    Ok(Nonce::clone_from_slice(bytes))
}

fn fingerprint(arguments: &mut Arguments<'_>) -> Outcome<Values> {
    let (iterations, version) = (arguments.u32()?, arguments.u32()?);
    let (local_id, local) = (arguments.bytes()?, keys::identity(arguments)?);
    let (remote_id, remote) = (arguments.bytes()?, keys::identity(arguments)?);
    let both = Fingerprint::new(version, iterations, local_id, &local, remote_id, &remote).map_err(printed)?;
    let text = both.display_string().map_err(printed)?;
    Ok(Values::new().text(&text).bytes(&both.scannable.serialize().map_err(printed)?))
}

fn printed(error: FingerprintError) -> Failure {
    Failure::other(error)
}

fn pin_hash(arguments: &mut Arguments<'_>) -> Outcome<Values> {
    let (pin, salt) = (arguments.bytes()?, arguments.bytes()?);
    let mut hash = [0; 64];
    let params = Params::new(PIN_MEMORY_KIB, PIN_ITERATIONS, PIN_LANES, Some(hash.len())).map_err(Failure::other)?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(pin, salt, &mut hash)
        .map_err(Failure::other)?;
    let (encryption_key, access_key) = hash.split_at(32);
    Ok(Values::new().bytes(encryption_key).bytes(access_key))
}
