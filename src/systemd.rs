//! Asks systemd about a unit and the host, with `systemctl`, which never holds up a drain.

use crate::context::UnitName;
use crate::unit::Unit;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long systemctl may take. It answers within milliseconds, unless systemd or D-Bus hangs.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most that is read of an answer; a unit with many commands has some kilobytes.
const ANSWER_MAX: usize = 1 << 20;

/// What systemd says of `unit`; none where there is no systemd that answers.
#[must_use]
pub fn unit(unit: &UnitName) -> Option<Unit> {
    let properties = Unit::PROPERTIES.join(",");
    let answer = ask(&["show", "--no-pager", "-p", &properties, "--", unit.as_str()], PATIENCE)?;
    answer.succeeded.then(|| Unit::parse(&String::from_utf8_lossy(&answer.text)))
}

/// Whether the host is going down: `systemctl is-system-running` says so from the moment that `shutdown.target` is
/// asked for (systemctl(1)).
#[must_use]
pub fn host_is_stopping() -> bool {
    ask(&["is-system-running"], PATIENCE).is_some_and(|answer| answer.text.trim_ascii() == b"stopping")
}

struct Answer {
    text: Vec<u8>,
    succeeded: bool,
}

/// Runs systemctl, and kills it after `patience`; none if it could not be run or did not end by itself.
fn ask(arguments: &[&str], patience: Duration) -> Option<Answer> {
    let deadline = Instant::now() + patience;
    let mut systemctl = Command::new("systemctl")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .env("SYSTEMD_COLORS", "0")
        .spawn()
        .ok()?;
    let text = systemctl.stdout.take().and_then(|output| read_until(output, deadline));
    let succeeded = end(&mut systemctl, if text.is_some() { deadline } else { Instant::now() });
    Some(Answer { text: text?, succeeded })
}

/// All that comes until the other end is closed; none if that is not by `deadline`.
fn read_until(mut output: ChildStdout, deadline: Instant) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now()).as_millis();
        let left = PollTimeout::from(u16::try_from(left).unwrap_or(u16::MAX));
        let mut fds = [PollFd::new(output.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, left) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(_) => return None,
        }
        match output.read(&mut buffer) {
            Ok(0) => return Some(text),
            Ok(length) if text.len() + length <= ANSWER_MAX => text.extend(&buffer[..length]),
            _ => return None,
        }
    }
}

/// Whether the process has succeeded; one that does not end by `deadline` is killed.
fn end(systemctl: &mut Child, deadline: Instant) -> bool {
    loop {
        match systemctl.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
            _ => break,
        }
    }
    let _ = systemctl.kill();
    let _ = systemctl.wait();
    false
}
