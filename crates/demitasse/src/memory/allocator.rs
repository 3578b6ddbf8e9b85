//! How the C library's allocator is told to keep little: a service that runs for months is as large as it must be, and not as
//! large as it ever was.
//!
//! By itself glibc keeps an arena for each thread that allocates, up to eight for each core, and learns from large blocks that
//! were freed to keep as much at the end of each. Uploads and database calls pass through many threads, so every arena grows to
//! what one of them once needed (measured: `docs/operations.md`).

/// Arenas that all threads share. Threads wait for each other there, for large blocks only: small ones they keep for themselves.
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARENAS: i32 = 1;

/// Bytes that are kept at the end of an arena; what is set does not grow.
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
const KEPT: i32 = 128 * 1024;

/// Tells the allocator, where it is glibc's. To be called first, before there are threads.
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[expect(
    unsafe_code,
    reason = "the C library's allocator has no other interface than a call or the environment"
)]
pub(crate) fn keep_little() {
    // SAFETY: it takes two numbers, keeps no pointer, and locks what it changes. A number that it does not take changes nothing.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, ARENAS);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}

/// Other allocators are left as they are.
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub(crate) fn keep_little() {}
