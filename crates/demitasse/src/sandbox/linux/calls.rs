//! The system calls that are left, by two seccomp filters; where they differ the kernel takes the stricter answer.
//!
//! What is on the list works. What nobody does by accident (another program, a process, a socket, another's memory, code
//! in fresh memory) ends the process with SIGSYS: it is an attack under way, which should not get a second try, and which
//! somebody should hear of. Everything else is answered as by a kernel that does not have the call (ENOSYS): C libraries
//! and codecs have a way to go on then, so that a call that is new in the next C library costs nothing. EPERM would not do:
//! glibc takes it for `clone3`'s last word.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// What works, with any arguments.
///
/// Not among them: whatever takes a path or gives a descriptor; threads, for the engine has none; `fcntl` and `ioctl`.
const ALLOWED: &[c_long] = &[
    // The watch over the parent. To read and write is below.
    libc::SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_close,
    // Memory; `mmap` and `mprotect` are below.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Locks, and who and where one is.
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getrandom,
    // Clocks.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrusage,
    // To crash as the handlers of crashes want it, and to end.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Of two threads that end the program, the second waits for the first; on arm64 by `ppoll`.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_pause,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// What ends the process, with any arguments.
const DEADLY: &[c_long] = &[
    // Other programs. `clone` and `clone3` are below.
    libc::SYS_execve,
    libc::SYS_execveat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    // The network.
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    // Other views of the system, and other users.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_open_by_handle_at,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_capset,
    // Where kernels have had their defects.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
    libc::SYS_pkey_mprotect,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// Installs both filters, on all threads.
///
/// # Errors
/// Why not, if the kernel has no filters or does not take these.
pub(super) fn filter() -> Result<(), String> {
    let deadly = deadly().map_err(|error| error.to_string())?;
    let allowed = allowed(std::process::id()).map_err(|error| error.to_string())?;
    // In this order: the second stops what installs filters.
    for program in [deadly, allowed] {
        apply_filter_all_threads(&program).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn allowed(own_pid: u32) -> Result<BpfProgram, BackendError> {
    // Of descriptors the two pipes and the log: should the parent have left another one open, it is of no use.
    let on = |descriptor: u64| SeccompRule::new(vec![arg(0, Eq, descriptor)?]);
    let not_executable = arg(2, MaskedEq(u64_of(libc::PROT_EXEC)), 0)?;
    let anonymous = arg(3, MaskedEq(u64_of(libc::MAP_ANONYMOUS)), u64_of(libc::MAP_ANONYMOUS))?;
    // `abort` signals its own thread; the watch over processor time raises its limit with each image. Taken over, a
    // child could too: the parent's deadline ends it all the same.
    let own = vec![arg(0, Eq, own_pid.into())?];
    let processor_time = vec![arg(0, Eq, 0)?, arg(1, Eq, libc::RLIMIT_CPU.into())?];
    let mut rules: Rules = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    for call in [libc::SYS_read, libc::SYS_readv] {
        rules.insert(call, vec![on(0)?]);
    }
    for call in [libc::SYS_write, libc::SYS_writev] {
        rules.insert(call, vec![on(1)?, on(2)?]);
    }
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![not_executable.clone(), anonymous])?]);
    rules.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![not_executable])?]);
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(own)?]);
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(processor_time)?]);
    compile(rules, SeccompAction::Errno(u32_of(libc::ENOSYS)), SeccompAction::Allow)
}

fn deadly() -> Result<BpfProgram, BackendError> {
    let exec = u64_of(libc::PROT_EXEC);
    let executable = || SeccompRule::new(vec![arg(2, MaskedEq(exec), exec)?]);
    let process = vec![arg(0, MaskedEq(u64_of(libc::CLONE_THREAD)), 0)?];
    let mut rules: Rules = DEADLY.iter().map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_mmap, vec![executable()?]);
    rules.insert(libc::SYS_mprotect, vec![executable()?]);
    // A thread is answered ENOSYS, and so is all of `clone3`, whose arguments no filter can see: a C library then asks by
    // `clone`.
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(process)?]);
    compile(rules, SeccompAction::Allow, SeccompAction::KillProcess)
}

fn compile(
    rules: Rules,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    let processor = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, otherwise, matched, processor)?.try_into()
}

/// The lower half of an argument; the kernel ignores the upper one of all that are asked here.
fn arg(number: u8, is: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(number, SeccompCmpArgLen::Dword, is, value)
}

/// Constants of C, none of which is negative.
fn u64_of(constant: libc::c_int) -> u64 {
    u64::from(constant.unsigned_abs())
}

fn u32_of(constant: libc::c_int) -> u32 {
    constant.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_filters_compile_and_no_call_is_on_both_lists() {
        assert!(deadly().is_ok() && allowed(1).is_ok());
        let both: Vec<_> = ALLOWED.iter().filter(|call| DEADLY.contains(call)).collect();
        assert!(both.is_empty(), "{both:?}");
        // Those with conditions are inserted, and would replace one that is on the list.
        for call in [
            libc::SYS_read,
            libc::SYS_write,
            libc::SYS_mmap,
            libc::SYS_mprotect,
            libc::SYS_tgkill,
            libc::SYS_prlimit64,
            libc::SYS_clone,
        ] {
            assert!(!ALLOWED.contains(&call) && !DEADLY.contains(&call), "{call}");
        }
    }
}
