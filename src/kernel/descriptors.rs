//! The sockets among the descriptors of a process (`/proc/PID/fd`).

use super::Unseen;
use rustix::fs::{Mode, OFlags, RawDir, open, readlinkat_raw};
use rustix::io::Errno;
use std::mem::MaybeUninit;
use std::path::Path;

/// For so many entries at a time as fit.
const BUFFER: usize = 16 << 10;
/// Longer than any link to a socket.
const LINK_MAX: usize = 48;

/// Calls `each` for every descriptor of the process: its number, and the socket's, if it is one.
pub(super) fn sockets_of(
    proc: &Path,
    pid: i32,
    mut each: impl FnMut(i32, Option<u64>) -> Result<(), Unseen>,
) -> Result<(), Unseen> {
    let failed = |error: Errno| match error {
        Errno::NOENT | Errno::SRCH => Unseen::Changing,
        _ => Unseen::Descriptors(pid),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = open(proc.join(pid.to_string()).join("fd"), flags, Mode::empty()).map_err(failed)?;
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut entries = RawDir::new(&directory, &mut buffer);
    let (mut seen, mut closed) = (0, 0);
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let Some(descriptor) = number(name.to_bytes()) else { continue };
        let mut link = [MaybeUninit::uninit(); LINK_MAX];
        match readlinkat_raw(&directory, name, &mut link) {
            Ok((target, _)) => {
                seen += 1;
                each(i32::try_from(descriptor).unwrap_or(-1), socket(target))?;
            }
            // Closed meanwhile.
            Err(Errno::NOENT) => closed += 1,
            Err(error) => return Err(failed(error)),
        }
    }
    // Of a process that had some, and lives, not all of them.
    if seen == 0 && closed > 0 { Err(Unseen::Changing) } else { Ok(()) }
}

/// The number in `socket:[NUMBER]`.
fn socket(link: &[u8]) -> Option<u64> {
    number(link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?)
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_sockets_are_sockets() {
        assert_eq!(socket(b"socket:[12345]"), Some(12_345));
        for other in
            ["pipe:[1]", "/tmp/socket:[1]", "socket:[", "socket:[]", "socket:[x]", "anon_inode:[eventfd]"]
        {
            assert_eq!(socket(other.as_bytes()), None, "{other}");
        }
    }
}
