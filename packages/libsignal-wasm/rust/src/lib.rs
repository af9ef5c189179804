//! libsignal's protocol for a host that is JavaScript. Everything crosses as bytes, and nothing outlives a call but an
//! operation that waits for a store: an instance can be thrown away at any time.

mod failure;
mod keys;
mod memory;
mod messages;
mod operations;
mod primitives;
mod random;
mod records;
mod sealed;
mod stores;
mod wire;

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::failure::{Failure, Outcome};
use crate::wire::{Arguments, Values};

#[global_allocator]
static ALLOCATOR: memory::Wiping = memory::Wiping;

const DONE: u32 = 0;
const FAILED: u32 = 1;
const ASKS: u32 = 2;

type Operation = Pin<Box<dyn Future<Output = Outcome<Values>>>>;

thread_local! {
    static WAITING: RefCell<Option<Operation>> = const { RefCell::new(None) };
    static RESULT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A block of memory for the arguments of the next call, which frees it.
#[unsafe(no_mangle)]
extern "C" fn allocate(length: usize) -> *mut u8 {
    Box::into_raw(vec![0_u8; length].into_boxed_slice()).cast()
}

/// Where the result of the last call stands; its length is what the call returned.
#[unsafe(no_mangle)]
extern "C" fn result() -> *const u8 {
    RESULT.with_borrow(|bytes| bytes.as_ptr())
}

/// Frees the result of the last call.
#[unsafe(no_mangle)]
extern "C" fn release() {
    RESULT.take();
}

/// How many bytes are allocated.
#[unsafe(no_mangle)]
extern "C" fn live() -> usize {
    memory::live()
}

/// Runs what does not need a store.
#[unsafe(no_mangle)]
extern "C" fn call(start: *mut u8, length: usize) -> usize {
    let request = owned(start, length);
    finish(run(&mut Arguments::new(&request)))
}

/// Begins what may ask stores: until it is done, `resume` is given the answers.
#[unsafe(no_mangle)]
extern "C" fn begin(start: *mut u8, length: usize) -> usize {
    let operation = operations::operation(owned(start, length));
    WAITING.set(Some(Box::pin(operation)));
    step()
}

/// Goes on with the answer of a store.
#[unsafe(no_mangle)]
extern "C" fn resume(start: *mut u8, length: usize) -> usize {
    stores::answer(owned(start, length));
    step()
}

fn run(arguments: &mut Arguments<'_>) -> Outcome<Values> {
    let name = arguments.text()?;
    let families = [keys::call, primitives::call, records::call, messages::call, sealed::call];
    for family in families {
        if let Some(outcome) = family(name, arguments) {
            return outcome;
        }
    }
    Err(Failure::other(format!("there is no operation {name}")))
}

fn step() -> usize {
    let Some(mut operation) = WAITING.take() else {
        return finish(Err(Failure::other("no operation waits")));
    };
    match operation.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => finish(outcome),
        Poll::Pending => {
            WAITING.set(Some(operation));
            respond(ASKS, stores::question().unwrap_or_default())
        }
    }
}

fn finish(outcome: Outcome<Values>) -> usize {
    match outcome {
        Ok(values) => respond(DONE, values.into_bytes()),
        Err(failure) => respond(FAILED, failure.into_values().into_bytes()),
    }
}

fn respond(status: u32, bytes: Vec<u8>) -> usize {
    let mut response = Vec::with_capacity(4 + bytes.len());
    response.extend_from_slice(&status.to_le_bytes());
    response.extend_from_slice(&bytes);
    let length = response.len();
    RESULT.set(response);
    length
}

fn owned(start: *mut u8, length: usize) -> Vec<u8> {
    // SAFETY: the host passes what `allocate` gave it, with the same length, once.
    unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(start, length)) }.into_vec()
}
