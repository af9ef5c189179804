//! Randomness comes from the host: `crypto.getRandomValues`.

use rand::TryRngCore;
use rand::rngs::{OsRng};

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    fn fill_random(start: *mut u8, length: usize);
}

/// The one source of randomness.
pub fn rng() -> rand::rand_core::UnwrapErr<OsRng> {
    OsRng.unwrap_err()
}

fn fill(bytes: *mut u8, length: usize) {
    // SAFETY: both callers pass a block of this length; the host throws when it has no randomness, and nothing goes on.
    unsafe { fill_random(bytes, length) }
}

#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(bytes: *mut u8, length: usize) -> Result<(), getrandom_03::Error> {
    fill(bytes, length);
    Ok(())
}

fn fill_02(bytes: &mut [u8]) -> Result<(), getrandom_02::Error> {
    fill(bytes.as_mut_ptr(), bytes.len());
    Ok(())
}

getrandom_02::register_custom_getrandom!(fill_02);
