//! Every block that is freed is overwritten first: what was a key is none when the memory is used again.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

pub struct Wiping;

static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Bytes that are allocated now.
pub fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

// SAFETY: passes on to the system's allocator, and writes only within a block that is being freed. The default `realloc`
// allocates, copies and frees, so a block that moves is wiped as well.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the block is the caller's, of this size, and not used again.
        unsafe {
            block.write_bytes(0, layout.size());
            System.dealloc(std::hint::black_box(block), layout);
        }
    }
}
