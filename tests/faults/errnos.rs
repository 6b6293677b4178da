//! With which errors each system call may fail, by its manual page.
//!
//! Left out are errors that a call with right arguments never has: EFAULT, EBADF, most EINVAL. A call that is not in the
//! table fails the run, so that none is overlooked.

use nix::errno::Errno;
use nix::libc;

/// A system call.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub number: i64,
    pub name: &'static str,
    /// What it may fail with, and then has not been done.
    pub errnos: &'static [Errno],
    /// What it may fail with although it has been done: what a server has done whose answer was lost, or a closed
    /// descriptor.
    pub late: &'static [Errno],
}

/// The system call of that number.
pub fn call(number: i64) -> Option<&'static Call> {
    CALLS.iter().find(|call| call.number == number)
}

/// The system call of that name.
pub fn named(name: &str) -> Option<&'static Call> {
    CALLS.iter().find(|call| call.name == name)
}

/// Whether a lack of memory in this call may end the program: the allocator, the loader and the threads of the standard
/// library know nothing better. What it has done until then must be as after a kill.
pub fn may_abort(call: &Call, errno: Errno) -> bool {
    errno == Errno::ENOMEM && ["mmap", "brk", "mprotect", "mremap", "munmap", "madvise"].contains(&call.name)
}

/// Whether a call may change what others find.
pub fn changes(call: &Call, registers: &libc::user_regs_struct) -> bool {
    let creates = |flags: u64| flags & u64::from(libc::O_CREAT.cast_unsigned()) != 0;
    match call.name {
        "open" => creates(registers.rsi),
        "openat" => creates(registers.rdx),
        // Its flags are in memory.
        "openat2" => true,
        name => CHANGING.contains(&name),
    }
}

const CHANGING: &[&str] = &[
    "fchmod",
    "fchmodat",
    "fchown",
    "fchownat",
    "fdatasync",
    "flock",
    "fsync",
    "ftruncate",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "pwrite64",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "symlinkat",
    "sync_file_range",
    "syncfs",
    "unlink",
    "unlinkat",
    "utimensat",
    "write",
    "writev",
];

/// Whether an error is of a kind that lasts.
pub fn lasts(call: &Call, errno: Errno) -> bool {
    match errno {
        Errno::EINTR | Errno::EINVAL | Errno::EEXIST | Errno::EBUSY | Errno::ESRCH | Errno::ECHILD => false,
        // Somebody else has removed the file: each time, that would be a lie.
        Errno::ENOENT => !call.name.starts_with("unlink"),
        // Too many processes.
        Errno::EAGAIN => call.name.starts_with("clone"),
        _ => true,
    }
}

macro_rules! calls {
    ($($number:ident $name:literal: $($errno:ident)* $(, done: $($late:ident)+)?;)+) => {
        const CALLS: &[Call] = &[$(Call {
            number: libc::$number,
            name: $name,
            errnos: &[$(Errno::$errno),*],
            late: &[$($(Errno::$late),+)?],
        }),+];
    };
}

calls! {
    SYS_access "access": EACCES ENOENT EIO ELOOP;
    SYS_arch_prctl "arch_prctl": ;
    SYS_bind "bind": EACCES EADDRINUSE ENOMEM;
    SYS_brk "brk": ENOMEM;
    SYS_capget "capget": EPERM;
    SYS_capset "capset": EPERM;
    SYS_chdir "chdir": EACCES EIO ENOENT ENOMEM;
    SYS_clock_gettime "clock_gettime": ;
    SYS_clock_nanosleep "clock_nanosleep": EINTR;
    SYS_clone "clone": EAGAIN ENOMEM;
    SYS_clone3 "clone3": EAGAIN ENOMEM ENOSYS;
    SYS_close "close": , done: EINTR EIO ENOSPC;
    SYS_close_range "close_range": EMFILE ENOMEM ENOSYS;
    SYS_connect "connect": EACCES EAGAIN ECONNREFUSED EINTR ENETUNREACH ENOENT ETIMEDOUT;
    SYS_dup "dup": EMFILE;
    SYS_dup2 "dup2": EBUSY EINTR EMFILE;
    SYS_dup3 "dup3": EBUSY EINTR EMFILE;
    SYS_epoll_create1 "epoll_create1": EMFILE ENFILE ENOMEM;
    SYS_epoll_ctl "epoll_ctl": ENOMEM ENOSPC;
    SYS_epoll_wait "epoll_wait": EINTR;
    SYS_eventfd2 "eventfd2": EMFILE ENFILE ENODEV ENOMEM;
    SYS_execve "execve": E2BIG EACCES EIO EMFILE ENOENT ENOMEM;
    SYS_exit "exit": ;
    SYS_exit_group "exit_group": ;
    SYS_faccessat2 "faccessat2": EACCES EIO ENOENT ENOSYS EROFS;
    SYS_fallocate "fallocate": EINTR EIO ENOSPC EOPNOTSUPP;
    SYS_fchdir "fchdir": EACCES;
    SYS_fchmod "fchmod": EIO ENOMEM EPERM EROFS, done: EIO;
    SYS_fchmodat "fchmodat": EACCES EIO ENOENT EPERM EROFS;
    SYS_fchown "fchown": EIO EPERM EROFS, done: EIO;
    SYS_fchownat "fchownat": EACCES EIO ENOENT EPERM EROFS;
    SYS_fcntl "fcntl": EACCES EAGAIN EINTR EMFILE ENOLCK;
    SYS_fdatasync "fdatasync": EIO ENOSPC EDQUOT EROFS;
    SYS_flock "flock": EINTR ENOLCK EWOULDBLOCK;
    SYS_fsconfig "fsconfig": EACCES EBUSY ENOMEM EPERM;
    SYS_fsmount "fsmount": EBUSY EMFILE ENFILE ENOMEM EPERM;
    SYS_fsopen "fsopen": EMFILE ENFILE ENODEV ENOMEM ENOSYS EPERM;
    SYS_fstat "fstat": ENOMEM EIO;
    SYS_fstatfs "fstatfs": EIO EINTR ENOMEM ENOSYS;
    SYS_fsync "fsync": EIO ENOSPC EDQUOT EROFS, done: EIO;
    SYS_ftruncate "ftruncate": EINTR EIO EPERM EROFS;
    SYS_futex "futex": EAGAIN EINTR;
    SYS_getcwd "getcwd": EACCES ENOENT ENOMEM;
    SYS_getdents64 "getdents64": EIO ENOENT;
    SYS_getegid "getegid": ;
    SYS_geteuid "geteuid": ;
    SYS_getgid "getgid": ;
    SYS_getgroups "getgroups": ;
    SYS_getpeername "getpeername": ENOBUFS ENOTCONN;
    SYS_getpid "getpid": ;
    SYS_getppid "getppid": ;
    SYS_getrandom "getrandom": EINTR EINVAL ENOSYS;
    SYS_getsockname "getsockname": ENOBUFS;
    SYS_getsockopt "getsockopt": ENOPROTOOPT;
    SYS_gettid "gettid": ;
    SYS_getuid "getuid": ;
    SYS_getxattr "getxattr": EACCES EIO ENODATA ENOENT ENOTSUP;
    SYS_ioctl "ioctl": ENOTTY EPERM;
    SYS_kill "kill": EPERM ESRCH;
    SYS_landlock_add_rule "landlock_add_rule": EOPNOTSUPP EPERM;
    SYS_landlock_create_ruleset "landlock_create_ruleset": EOPNOTSUPP ENOSYS ENOMEM;
    SYS_landlock_restrict_self "landlock_restrict_self": EOPNOTSUPP EPERM E2BIG;
    SYS_link "link": EACCES EDQUOT EEXIST EIO EMLINK ENOENT ENOSPC EPERM EROFS EXDEV, done: EIO;
    SYS_linkat "linkat": EACCES EDQUOT EEXIST EIO EMLINK ENOENT ENOSPC EPERM EROFS EXDEV, done: EIO;
    SYS_lseek "lseek": ESPIPE;
    SYS_lstat "lstat": EACCES ELOOP ENOENT ENOMEM EIO;
    SYS_madvise "madvise": EAGAIN EIO ENOMEM;
    SYS_membarrier "membarrier": ENOSYS EPERM;
    SYS_memfd_create "memfd_create": EMFILE ENFILE ENOMEM;
    SYS_mkdir "mkdir": EACCES EDQUOT EIO EMLINK ENOENT ENOSPC EPERM EROFS, done: EIO EEXIST;
    SYS_mkdirat "mkdirat": EACCES EDQUOT EIO EMLINK ENOENT ENOSPC EPERM EROFS, done: EIO EEXIST;
    SYS_mmap "mmap": ENOMEM;
    SYS_mprotect "mprotect": ENOMEM;
    SYS_mremap "mremap": ENOMEM;
    SYS_munmap "munmap": ENOMEM;
    SYS_nanosleep "nanosleep": EINTR;
    SYS_newfstatat "newfstatat": EACCES EIO ELOOP ENOENT ENOMEM;
    SYS_open "open": EACCES EINTR EIO ELOOP EMFILE ENFILE ENOENT ENOMEM ENOSPC EROFS;
    SYS_openat "openat": EACCES EINTR EIO ELOOP EMFILE ENFILE ENOENT ENOMEM ENOSPC ENXIO EPERM EROFS;
    SYS_openat2 "openat2": EACCES EAGAIN EINTR EIO ELOOP EMFILE ENFILE ENOENT ENOMEM ENOSPC ENOSYS EPERM EROFS EXDEV;
    SYS_pidfd_getfd "pidfd_getfd": EMFILE ENFILE ENOSYS EPERM ESRCH;
    SYS_pidfd_open "pidfd_open": EMFILE ENFILE ENODEV ENOMEM ENOSYS EPERM ESRCH;
    SYS_pidfd_send_signal "pidfd_send_signal": ENOSYS EPERM ESRCH;
    SYS_pipe2 "pipe2": EMFILE ENFILE;
    SYS_poll "poll": EINTR ENOMEM;
    SYS_ppoll "ppoll": EINTR ENOMEM;
    SYS_prctl "prctl": EACCES EINVAL EPERM;
    SYS_pread64 "pread64": EINTR EIO EISDIR;
    SYS_preadv2 "preadv2": EAGAIN EINTR EIO EOPNOTSUPP;
    SYS_prlimit64 "prlimit64": EPERM;
    SYS_process_vm_readv "process_vm_readv": EFAULT ENOMEM ENOSYS EPERM ESRCH;
    SYS_pwrite64 "pwrite64": EAGAIN EDQUOT EINTR EIO ENOSPC;
    SYS_read "read": EAGAIN EINTR EIO EISDIR ESRCH;
    SYS_readlink "readlink": EACCES EINVAL EIO ELOOP ENOENT ENOMEM;
    SYS_readlinkat "readlinkat": EACCES EINVAL EIO ELOOP ENOENT ENOMEM;
    SYS_readv "readv": EAGAIN EINTR EIO;
    SYS_recvfrom "recvfrom": EAGAIN ECONNREFUSED ECONNRESET EINTR ENOMEM;
    SYS_recvmsg "recvmsg": EAGAIN ECONNREFUSED ECONNRESET EINTR ENOMEM;
    SYS_rename "rename":
        EACCES EBUSY EDQUOT EINVAL EIO ENOENT ENOMEM ENOSPC EPERM EROFS EXDEV, done: EIO ENOENT;
    SYS_renameat "renameat":
        EACCES EBUSY EDQUOT EINVAL EIO ENOENT ENOMEM ENOSPC EPERM EROFS EXDEV, done: EIO ENOENT;
    SYS_renameat2 "renameat2":
        EACCES EBUSY EDQUOT EEXIST EINVAL EIO ENOENT ENOMEM ENOSPC ENOSYS EPERM EROFS EXDEV, done: EIO ENOENT EEXIST;
    SYS_rmdir "rmdir": EACCES EBUSY ENOENT ENOTEMPTY EPERM EROFS;
    SYS_rseq "rseq": ;
    SYS_rt_sigaction "rt_sigaction": ;
    SYS_rt_sigprocmask "rt_sigprocmask": ;
    SYS_rt_sigreturn "rt_sigreturn": ;
    SYS_sched_getaffinity "sched_getaffinity": EPERM ENOSYS;
    SYS_sched_yield "sched_yield": ;
    SYS_seccomp "seccomp": EACCES EINVAL ENOMEM ENOSYS;
    SYS_sendmmsg "sendmmsg": EAGAIN EINTR ENOMEM;
    SYS_sendmsg "sendmsg": EAGAIN ECONNREFUSED ECONNRESET EINTR EMSGSIZE ENOBUFS ENOENT ENOMEM EPIPE ETOOMANYREFS;
    SYS_sendto "sendto": EAGAIN ECONNREFUSED ECONNRESET EINTR EMSGSIZE ENOBUFS ENOENT ENOMEM EPIPE;
    SYS_set_robust_list "set_robust_list": ;
    SYS_set_tid_address "set_tid_address": ;
    SYS_setfsgid "setfsgid": ;
    SYS_setfsuid "setfsuid": ;
    SYS_setgroups "setgroups": ENOMEM EPERM;
    SYS_setns "setns": EMFILE ENFILE ENOMEM EPERM;
    SYS_setpgid "setpgid": EACCES EPERM;
    SYS_setresgid "setresgid": EAGAIN EPERM;
    SYS_setresuid "setresuid": EAGAIN EPERM;
    SYS_setsid "setsid": EPERM;
    SYS_setsockopt "setsockopt": ENOMEM ENOPROTOOPT;
    SYS_shutdown "shutdown": ENOTCONN;
    SYS_sigaltstack "sigaltstack": ENOMEM EPERM;
    SYS_signalfd4 "signalfd4": EMFILE ENFILE ENODEV ENOMEM;
    SYS_socket "socket": EACCES EAFNOSUPPORT EMFILE ENFILE ENOBUFS ENOMEM EPROTONOSUPPORT;
    SYS_socketpair "socketpair": EMFILE ENFILE;
    SYS_stat "stat": EACCES ELOOP ENOENT ENOMEM EIO;
    SYS_statfs "statfs": EACCES EINTR EIO ENOENT ENOMEM ENOSYS;
    SYS_statx "statx": EACCES EIO ELOOP ENOENT ENOMEM ENOSYS;
    SYS_symlinkat "symlinkat": EACCES EDQUOT EEXIST EIO ENOSPC EPERM EROFS, done: EIO;
    SYS_sync_file_range "sync_file_range": EIO ENOSPC;
    SYS_syncfs "syncfs": EIO ENOSPC EDQUOT;
    SYS_sysinfo "sysinfo": ;
    SYS_tgkill "tgkill": ;
    SYS_timerfd_create "timerfd_create": EMFILE ENFILE ENODEV ENOMEM;
    SYS_timerfd_settime "timerfd_settime": ECANCELED;
    SYS_umask "umask": ;
    SYS_uname "uname": ;
    SYS_unlink "unlink": EACCES EBUSY EIO ENOENT ENOMEM EPERM EROFS, done: EIO ENOENT;
    SYS_unlinkat "unlinkat": EACCES EBUSY EIO ENOENT ENOMEM EPERM EROFS, done: EIO ENOENT;
    SYS_unshare "unshare": EMFILE ENOMEM ENOSPC EPERM EUSERS;
    SYS_utimensat "utimensat": EACCES EPERM EROFS;
    SYS_vfork "vfork": EAGAIN ENOMEM;
    SYS_wait4 "wait4": ECHILD EINTR;
    SYS_waitid "waitid": ECHILD EINTR;
    SYS_write "write": EAGAIN EDQUOT EFBIG EINTR EIO ENOSPC EPIPE;
    SYS_writev "writev": EAGAIN EDQUOT EFBIG EINTR EIO ENOSPC EPIPE;
}
