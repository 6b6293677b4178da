//! What systemd says of a unit and of the host, by `systemctl`.

use crate::context::UnitName;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

/// The properties of a unit that matter to a drain.
#[derive(Debug, Clone, Default)]
pub struct Unit(BTreeMap<String, String>);

/// See systemd.service(5), and org.freedesktop.systemd1(5) for the names.
const PROPERTIES: &str = "LoadState,ActiveState,SubState,MainPID,ControlGroup,ExecStop,ExecStopPost,ExecStartPre,\
                          NotifyAccess,SuccessExitStatus,TimeoutStopUSec,DropInPaths,NeedDaemonReload";

impl Unit {
    /// Asks systemd; none where there is no systemd to ask.
    #[must_use]
    pub fn ask(unit: &UnitName) -> Option<Self> {
        let output = Command::new("systemctl")
            .args(["show", "--no-pager", "-p", PROPERTIES, "--", unit.as_str()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .env("SYSTEMD_COLORS", "0")
            .output()
            .ok()?;
        output.status.success().then(|| Self::parse(&String::from_utf8_lossy(&output.stdout)))
    }

    /// Reads what `systemctl show` prints.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let mut properties = BTreeMap::<String, String>::new();
        for (name, value) in pairs {
            // A list property with several entries is printed as several lines.
            properties
                .entry(name.to_owned())
                .and_modify(|all| {
                    all.push('\n');
                    all.push_str(value);
                })
                .or_insert_with(|| value.to_owned());
        }
        Self(properties)
    }

    /// The property `name`, empty if systemd does not know it.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The main process, if systemd knows it.
    #[must_use]
    pub fn main_pid(&self) -> Option<i32> {
        self.get("MainPID").parse().ok().filter(|pid| *pid > 0)
    }

    /// The command lines of `property`, in order.
    ///
    /// systemctl prints `{ path=… ; argv[]=WORDS ; ignore_errors=… }`, one a line.
    #[must_use]
    pub fn commands(&self, property: &str) -> Vec<String> {
        let argv = |line: &str| {
            let (_, rest) = line.split_once("argv[]=")?;
            let end = rest.find(" ; ignore_errors=").or_else(|| rest.find(" ; "))?;
            Some(rest[..end].to_owned())
        };
        self.get(property).lines().filter_map(argv).collect()
    }
}

/// Whether the host is going down: `systemctl is-system-running` says so from the moment that `shutdown.target` is
/// asked for (systemctl(1)).
#[must_use]
pub fn host_is_stopping() -> bool {
    let output = Command::new("systemctl").arg("is-system-running").stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"stopping")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_of_a_unit_are_read_in_order() {
        let unit = Unit::parse(
            "MainPID=12\nExecStop={ path=/bin/a ; argv[]=/bin/a x ; y ; ignore_errors=yes ; start_time=[n/a] }\n\
             ExecStop={ path=/bin/b ; argv[]=/bin/b ; ignore_errors=no ; pid=0 }\nControlGroup=\n",
        );
        assert_eq!(unit.commands("ExecStop"), ["/bin/a x ; y", "/bin/b"]);
        assert_eq!(unit.main_pid(), Some(12));
        assert_eq!(unit.get("ControlGroup"), "");
        assert!(unit.commands("ExecStopPost").is_empty());
    }
}
