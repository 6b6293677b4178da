//! Asks systemd about a unit and the host, with `systemctl`, which never holds up a drain; and reads the unit's files.

use crate::context::{Root, UnitName};
use crate::files;
use crate::order;
use crate::settings::told::assignments;
use crate::unit::{Activity, Own, Patience, Unit, calls};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::BTreeMap;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long systemctl may take. It answers within milliseconds, unless systemd or D-Bus hangs.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most that is read of an answer; a unit with many commands has some kilobytes.
const ANSWER_MAX: usize = 1 << 20;

/// Most that is read of a unit's file.
const FILE_MAX: u64 = 1 << 20;
/// Most units that are asked about, and so often, to learn what else stops with a unit.
const FOLLOWERS_MAX: usize = 200;
const ROUNDS: usize = 5;
/// Of so many units whose stop stops another one it is asked what else they stop.
const LEADERS_MAX: usize = 10;

/// What systemd says of `unit`; none where there is no systemd that answers.
#[must_use]
pub fn unit(unit: &UnitName) -> Option<Unit> {
    Some(Unit::parse(&show(&[unit.as_str()])?))
}

/// The units that are stopped when `unit` is, because of it or of each other; none if systemd does not tell all.
#[must_use]
pub fn followers(unit: &Unit) -> Option<Vec<Unit>> {
    let mut found: Vec<Unit> = Vec::new();
    let mut next = names(std::slice::from_ref(unit));
    for _ in 0..ROUNDS {
        next.retain(|name| *name != unit.id && !found.iter().any(|known| known.id == *name));
        if next.is_empty() {
            return Some(found);
        }
        if found.len() + next.len() > FOLLOWERS_MAX {
            return None;
        }
        let units = Unit::parse_all(&show(&next.iter().map(String::as_str).collect::<Vec<_>>())?);
        next = names(&units);
        found.extend(units);
    }
    None
}

/// The units whose stop stops `unit`, too, each with all that it stops; none if systemd does not tell.
#[must_use]
pub fn leaders(unit: &Unit) -> Option<Vec<(Unit, Vec<Unit>)>> {
    if unit.stopped_by.is_empty() {
        return Some(Vec::new());
    }
    let names: Vec<&str> = unit.stopped_by.iter().take(LEADERS_MAX).map(String::as_str).collect();
    let units = Unit::parse_all(&show(&names)?);
    units.into_iter().map(|leader| followers(&leader).map(|followers| (leader, followers))).collect()
}

/// The names of the units that are stopped because one of `units` is.
fn names(units: &[Unit]) -> Vec<String> {
    let names = units.iter().flat_map(|unit| &unit.stops).map(|(_, name)| name.clone());
    order::set(names).into_iter().collect()
}

/// What the unit's files say, and systemd's defaults for what they do not, without this program's drop-ins.
#[must_use]
pub fn own(unit: &Unit, root: &Root) -> Own {
    let text = |path| {
        Some(
            String::from_utf8_lossy(&files::read(root, std::path::Path::new(path), FILE_MAX).ok()?)
                .into_owned(),
        )
    };
    let mut own = Own::of(&unit.files.iter().filter_map(text).collect::<Vec<_>>());
    own.timeout_stop = own.timeout_stop.or_else(default_timeout_stop);
    own
}

/// The variables that the unit gives its hooks: those of `Environment=`, then those of its environment files.
#[must_use]
pub fn variables(unit: &Unit, root: &Root) -> BTreeMap<String, String> {
    let text = |path| Some(String::from_utf8_lossy(&files::read(root, path, FILE_MAX).ok()?).into_owned());
    let texts: Vec<String> = unit.environment_files.iter().filter_map(|path| text(path)).collect();
    let own = unit.environment.iter().filter_map(|assignment| assignment.split_once('='));
    let all = own.chain(texts.iter().flat_map(|text| assignments(text)));
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// `DefaultTimeoutStopSec=` (systemd-system.conf(5)).
fn default_timeout_stop() -> Option<Patience> {
    let answer = ask(&["show", "--no-pager", "-p", "DefaultTimeoutStopUSec", "--value"], PATIENCE)?;
    answer.succeeded.then(|| Patience::from(String::from_utf8_lossy(&answer.text).trim()))
}

/// What systemd says of these units.
fn show(units: &[&str]) -> Option<String> {
    let properties = Unit::PROPERTIES.join(",");
    let arguments = [&["show", "--no-pager", "-p", &properties, "--"], units].concat();
    let answer = ask(&arguments, PATIENCE)?;
    answer.succeeded.then(|| String::from_utf8_lossy(&answer.text).into_owned())
}

/// Whether the host is going down: `systemctl is-system-running` says so from the moment that `shutdown.target` is
/// asked for (systemctl(1)).
#[must_use]
pub fn host_is_stopping() -> bool {
    ask(&["is-system-running"], PATIENCE).is_some_and(|answer| answer.text.trim_ascii() == b"stopping")
}

/// Restarts `unit`, and waits for that as long as it takes; whether it succeeded. systemctl says why not.
#[must_use]
pub fn restart(unit: &UnitName) -> bool {
    let systemctl =
        Command::new("systemctl").args(["restart", "--", unit.as_str()]).stdin(Stdio::null()).status();
    systemctl.is_ok_and(|status| status.success())
}

/// What systemd is about to do with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// To stop it, and leave it stopped.
    Stop,
    /// To start it, or to stop it first and then start it.
    Start,
}

/// The job of `unit`; none if it has none, or where systemd does not answer.
#[must_use]
pub fn job(unit: &UnitName) -> Option<Job> {
    let answer = ask(&["list-jobs", "--plain", "--no-legend", "--no-pager"], PATIENCE)?;
    job_of(unit, &String::from_utf8_lossy(&answer.text))
}

/// The job in lines of `NUMBER UNIT TYPE STATE`.
fn job_of(unit: &UnitName, text: &str) -> Option<Job> {
    let of_unit = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        (words.next()? == unit.as_str()).then(|| words.next()).flatten().map(str::to_owned)
    };
    match text.lines().find_map(of_unit)?.as_str() {
        "stop" => Some(Job::Stop),
        "start" | "restart" | "try-restart" | "reload-or-start" => Some(Job::Start),
        _ => None,
    }
}

/// The service units that this program drains at their stop: of each, its name, what it does, its processes.
#[must_use]
pub fn drained_units() -> Vec<Unit> {
    let words =
        ["show", "--no-pager", "-p", "Id,ActiveState,ExecStop,ControlGroup,MainPID", "--", "*.service"];
    let text = ask(&words, PATIENCE).map(|answer| String::from_utf8_lossy(&answer.text).into_owned());
    drained(&text.unwrap_or_default())
}

/// Those of them that are active.
#[must_use]
pub fn active_drained_units() -> Vec<UnitName> {
    let active = drained_units().into_iter().filter(|unit| unit.activity == Activity::Active);
    active.filter_map(|unit| UnitName::parse(&unit.id).ok()).collect()
}

/// A shutdown unit, which drains for another, is none of them.
fn drained(text: &str) -> Vec<Unit> {
    let mut units = Unit::parse_all(text);
    let drains = |command: &String| calls(command, "stop") && !command.contains(" --shutdown");
    units.retain(|unit| unit.exec_stop.iter().any(drains));
    units
}

/// The first systemctl in the path that others cannot change: the hooks of a unit are root's, and its `Environment=PATH=` may
/// begin with a directory of its user's.
fn systemctl() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let real = |directory: PathBuf| directory.join("systemctl").canonicalize().ok();
    let safe = |program: &PathBuf| files::who_else_changes(program).is_none();
    let found =
        std::env::split_paths(&path).filter(|directory| directory.is_absolute()).filter_map(real).find(safe);
    found.unwrap_or_else(|| PathBuf::from("/usr/bin/systemctl"))
}

struct Answer {
    text: Vec<u8>,
    succeeded: bool,
}

/// Runs systemctl, and kills it after `patience`; none if it could not be run or did not end by itself.
fn ask(arguments: &[&str], patience: Duration) -> Option<Answer> {
    let deadline = Instant::now() + patience;
    let mut systemctl = Command::new(systemctl())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_no_stop_for_good() {
        let text = "12 hhvm@1.service restart running\n13 hhvm@2.service stop  running\n14 x.service start waiting\n";
        let job = |name: &str| job_of(&UnitName::parse(name).unwrap(), text);
        assert_eq!((job("hhvm@1"), job("hhvm@2")), (Some(Job::Start), Some(Job::Stop)));
        assert_eq!((job("x"), job("y")), (Some(Job::Start), None));
    }

    #[test]
    fn only_units_that_call_the_program_are_its_own() {
        let ours = "ExecStop={ path=/usr/bin/hhvm-drain ; argv[]=/usr/bin/hhvm-drain stop --unit=a ; }";
        let text = format!(
            "Id=a.service\nActiveState=active\n{ours}\n\nId=b.service\nActiveState=active\n\n\
             ExecStop={{ path=/bin/x ; argv[]=/bin/x hhvm-drain ; }}\nId=c.service\nActiveState=active\n\n\
             {ours}\nActiveState=inactive\nId=d.service\n\n\
             ExecStop={{ argv[]=/usr/bin/hhvm-drain stop --shutdown --unit=a ; }}\nId=e.service\nActiveState=active\n"
        );
        let found = drained(&text);
        let names: Vec<(&str, Activity)> =
            found.iter().map(|unit| (unit.id.as_str(), unit.activity)).collect();
        assert_eq!(names, [("a.service", Activity::Active), ("d.service", Activity::Other)]);
    }
}
