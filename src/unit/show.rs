//! Reads the answer of `systemctl show`: a line `NAME=VALUE` for a property, several for a list of commands, and an
//! empty one between two units.

use super::filter::Filter;
use super::mounts::Mounts;
use super::properties::Unit;
use super::words::{Author, KillMode, Lifetime, Output, Patience, Relation, split};
use std::collections::BTreeMap;
use std::path::PathBuf;

impl Unit {
    /// The names of the properties, for `systemctl show -p` (org.freedesktop.systemd1(5)).
    pub const PROPERTIES: [&str; 52] = [
        "Id",
        "LoadState",
        "ActiveState",
        "MainPID",
        "ControlGroup",
        "ExecStart",
        "Environment",
        "EnvironmentFiles",
        "ExecStop",
        "ExecStopEx",
        "ExecStopPost",
        "ExecStartPre",
        "ExecStartPost",
        "Wants",
        "Type",
        "WatchdogUSec",
        "NotifyAccess",
        "SuccessExitStatus",
        "TimeoutStartUSec",
        "TimeoutStopUSec",
        "JobTimeoutUSec",
        "JobRunningTimeoutUSec",
        "KillMode",
        "NeedDaemonReload",
        "User",
        "DynamicUser",
        "RootDirectory",
        "RootImage",
        "RootDirectoryStartOnly",
        "TemporaryFileSystem",
        "BindPaths",
        "BindReadOnlyPaths",
        "MountImages",
        "IPAddressDeny",
        "IPAddressAllow",
        "StandardOutput",
        "StandardError",
        "SourcePath",
        "FragmentPath",
        "DropInPaths",
        "RequiredBy",
        "BoundBy",
        "RequisiteOf",
        "ConsistsOf",
        "PropagatesStopTo",
        "PartOf",
        "BindsTo",
        "Requires",
        "Requisite",
        "StopPropagatedFrom",
        "After",
        "Before",
    ];

    /// Reads what is told of a unit.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let values = Values::of(text);
        let files = values.paths("FragmentPath").into_iter().chain(values.paths("DropInPaths"));
        Self {
            id: values.one("Id").to_owned(),
            is_loaded: values.one("LoadState") == "loaded",
            activity: values.one("ActiveState").into(),
            main_pid: values.one("MainPID").parse().ok().filter(|pid| *pid > 0),
            control_group: values.filled("ControlGroup"),
            start: ["ExecStart", "Environment", "EnvironmentFiles"]
                .into_iter()
                .flat_map(|name| values.all(name).iter().copied())
                .collect::<Vec<_>>()
                .join("\n"),
            environment: split(values.one("Environment")),
            environment_files: values.environment_files(),
            exec_stop: values.commands("ExecStop"),
            exec_stop_confined: values.confined("ExecStopEx"),
            exec_stop_post: values.commands("ExecStopPost"),
            exec_start_pre: values.commands("ExecStartPre"),
            exec_start_post: values.commands("ExecStartPost"),
            wants: values.words("Wants"),
            notify_access: values.one("NotifyAccess").into(),
            success_exit_status: values.words("SuccessExitStatus"),
            timeout_start: values.one("TimeoutStartUSec").into(),
            timeout_stop: values.one("TimeoutStopUSec").into(),
            job_limits: [
                ("JobTimeoutSec", "JobTimeoutUSec"),
                ("JobRunningTimeoutSec", "JobRunningTimeoutUSec"),
            ]
            .into_iter()
            .filter_map(|(name, property)| match values.one(property).into() {
                Patience::For(limit) => Some((name, limit)),
                Patience::Infinite | Patience::Unclear(_) => None,
            })
            .collect(),
            need_daemon_reload: values.one("NeedDaemonReload") == "yes",
            program: PathBuf::from(program(values.one("ExecStart"))),
            awaits_notifications: values.one("Type").starts_with("notify")
                || !matches!(values.one("WatchdogUSec"), "" | "0" | "infinity"),
            lifetime: if values.one("Type") == "oneshot" { Lifetime::Oneshot } else { Lifetime::Lasting },
            kill_mode: match values.one("KillMode") {
                "none" => KillMode::None,
                "process" => KillMode::MainOnly,
                _ => KillMode::Ends,
            },
            user: values.user(),
            root: values.root(),
            mounts: values.mounts(),
            filter: Filter::parse(values.one("IPAddressDeny"), values.one("IPAddressAllow")),
            output: values.output(),
            author: if values.filled("SourcePath").is_some() { Author::Generator } else { Author::Person },
            files: files.collect(),
            stops: values.relations(),
            stopped_by: values.stopped_by(),
            after: values.words("After"),
            before: values.words("Before"),
        }
    }

    /// Reads what is told of several units.
    #[must_use]
    pub fn parse_all(text: &str) -> Vec<Self> {
        text.split("\n\n").map(Self::parse).filter(|unit| !unit.id.is_empty()).collect()
    }
}

/// What is told of a unit, by name.
struct Values<'a>(BTreeMap<&'a str, Vec<&'a str>>);

impl<'a> Values<'a> {
    fn of(text: &'a str) -> Self {
        let mut values = BTreeMap::<&str, Vec<&str>>::new();
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            values.entry(name).or_default().push(value);
        }
        Self(values)
    }

    fn all(&self, name: &str) -> &[&'a str] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    fn one(&self, name: &str) -> &'a str {
        self.all(name).first().copied().unwrap_or_default()
    }

    fn filled(&self, name: &str) -> Option<String> {
        Some(self.one(name).to_owned()).filter(|value| !value.is_empty())
    }

    fn words(&self, name: &str) -> Vec<String> {
        split(self.one(name))
    }

    fn paths(&self, name: &str) -> Vec<PathBuf> {
        split(self.one(name)).into_iter().map(PathBuf::from).collect()
    }

    /// Without ` (ignore_errors=…)` behind each.
    fn environment_files(&self) -> Vec<PathBuf> {
        let path =
            |value: &&str| value.rsplit_once(" (ignore_errors=").map_or(*value, |(path, _)| path).into();
        self.all("EnvironmentFiles").iter().filter(|value| !value.is_empty()).map(path).collect()
    }

    fn commands(&self, name: &str) -> Vec<String> {
        self.all(name).iter().copied().filter_map(command).collect()
    }

    /// Commands without the flag that stands for `+`.
    fn confined(&self, name: &str) -> Vec<String> {
        let confined = |value: &&str| {
            let (_, flags) = value.split_once(" ; flags=").unwrap_or_default();
            let flags = flags.split(" ; ").next().unwrap_or_default();
            !flags.split_whitespace().any(|flag| flag == "privileged")
        };
        self.all(name).iter().copied().filter(confined).filter_map(command).collect()
    }

    fn user(&self) -> Option<String> {
        match (self.filled("User"), self.one("DynamicUser")) {
            (Some(user), _) if user == "root" || user == "0" => None,
            (Some(user), _) => Some(user),
            (None, "yes") => Some("a dynamic user".to_owned()),
            (None, _) => None,
        }
    }

    fn root(&self) -> Option<String> {
        let root =
            |name: &str| self.filled(name).filter(|path| path != "/").map(|path| format!("{name}={path}"));
        let hooks_too = self.one("RootDirectoryStartOnly") != "yes";
        root("RootDirectory").or_else(|| root("RootImage")).filter(|_| hooks_too)
    }

    fn mounts(&self) -> Mounts {
        let mut mounts = Mounts::default();
        for name in ["TemporaryFileSystem", "BindPaths", "BindReadOnlyPaths", "MountImages"] {
            mounts.add(name, self.one(name));
        }
        mounts
    }

    fn output(&self) -> Output {
        match (self.one("StandardError"), self.one("StandardOutput")) {
            ("inherit", "null") | ("null", _) => Output::Discarded,
            _ => Output::Kept,
        }
    }

    /// Without what every unit has, and what is stopped with the host alone.
    fn stopped_by(&self) -> Vec<String> {
        let all =
            ["PartOf", "BindsTo", "Requires", "Requisite", "StopPropagatedFrom"].map(|name| self.words(name));
        let mut names: Vec<String> = all.into_iter().flatten().collect();
        names.retain(|name| {
            (name.ends_with(".target") || name.ends_with(".service"))
                && !["sysinit.target", "basic.target"].contains(&name.as_str())
        });
        names.sort();
        names.dedup();
        names
    }

    fn relations(&self) -> Vec<(Relation, String)> {
        let of = |(relation, name): (Relation, &str)| {
            self.words(name).into_iter().map(move |unit| (relation, unit)).collect::<Vec<_>>()
        };
        Relation::PROPERTIES.into_iter().flat_map(of).collect()
    }
}

/// The words in `{ path=… ; argv[]=WORDS ; ignore_errors=… }`, or `flags=…` instead.
fn command(value: &str) -> Option<String> {
    let (_, rest) = value.split_once("argv[]=")?;
    let ends = [" ; ignore_errors=", " ; flags=", " ; "];
    let end = ends.into_iter().find_map(|end| rest.find(end))?;
    Some(rest[..end].to_owned())
}

/// The path in `{ path=PATH ; … }`.
fn program(value: &str) -> &str {
    value.split_once("path=").and_then(|(_, rest)| rest.split(" ;").next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Activity;
    use std::path::Path;
    use std::time::Duration;

    #[test]
    fn the_commands_of_a_unit_are_read_in_order() {
        let unit = Unit::parse(
            "MainPID=12\nExecStop={ path=/bin/a ; argv[]=/bin/a x ; y ; ignore_errors=yes ; start_time=[n/a] }\n\
             ExecStop={ path=/bin/b ; argv[]=/bin/b ; ignore_errors=no ; pid=0 }\nControlGroup=\n",
        );
        assert_eq!(unit.exec_stop, ["/bin/a x ; y", "/bin/b"]);
        assert_eq!((unit.main_pid, unit.control_group), (Some(12), None));
        assert!(unit.exec_stop_post.is_empty());
    }

    #[test]
    fn what_systemd_does_not_say_is_not_made_up() {
        assert_eq!(Unit::parse(""), Unit::default());
        assert_eq!(Unit::parse("MainPID=0\nTimeoutStopUSec=1min 30s\n").main_pid, None);
        for (words, expected) in [
            ("1min 30s", Patience::For(Duration::from_secs(90))),
            ("infinity", Patience::Infinite),
            ("soon", Patience::Unclear("soon".to_owned())),
        ] {
            assert_eq!(Unit::parse(&format!("TimeoutStopUSec={words}")).timeout_stop, expected);
        }
    }

    #[test]
    fn names_with_escapes_and_what_the_hooks_are_told_are_read() {
        let unit = Unit::parse(
            "After=a.service \"b\\\\x2dc.service\"\nEnvironment=A=b \"C=d e\"\nEnvironmentFiles=/etc/a b (ignore_errors=yes)\n\
             EnvironmentFiles=/etc/c (ignore_errors=no)\nJobTimeoutUSec=1min\nJobRunningTimeoutUSec=infinity\n",
        );
        assert_eq!(unit.after, ["a.service", r"b\x2dc.service"]);
        assert_eq!(unit.environment, ["A=b", "C=d e"]);
        assert_eq!(unit.environment_files, ["/etc/a b", "/etc/c"].map(PathBuf::from));
        assert_eq!(unit.job_limits, [("JobTimeoutSec", Duration::from_secs(60))]);
    }

    #[test]
    fn several_units_are_told_apart_and_why_each_is_stopped() {
        let units = Unit::parse_all(
            "Id=hhvm.service\nRequiredBy=web.target a.service\nConsistsOf=b.service\nAfter=c.service\n\n\
             Id=nginx.service\nActiveState=active\nExecStart={ path=/usr/sbin/nginx ; argv[]=/usr/sbin/nginx -g x; ; y }\n",
        );
        let [hhvm, nginx] = &units[..] else { panic!("{units:?}") };
        let stops = [
            (Relation::Requires, "web.target".to_owned()),
            (Relation::Requires, "a.service".to_owned()),
            (Relation::PartOf, "b.service".to_owned()),
        ];
        assert_eq!((&hhvm.stops[..], &hhvm.after[..]), (&stops[..], &["c.service".to_owned()][..]));
        assert_eq!(
            (nginx.program.as_path(), nginx.activity),
            (Path::new("/usr/sbin/nginx"), Activity::Active)
        );
    }

    #[test]
    fn what_surrounds_a_unit_is_read() {
        let unit = Unit::parse(
            "User=\nDynamicUser=yes\nKillMode=none\nSourcePath=/etc/init.d/hhvm\nStandardOutput=null\n\
             StandardError=inherit\nType=notify\nFragmentPath=/a/hhvm.service\nDropInPaths=/a/1.conf \"/a/2 3.conf\"\n",
        );
        assert_eq!(unit.user.as_deref(), Some("a dynamic user"));
        assert_eq!((unit.kill_mode, unit.author), (KillMode::None, Author::Generator));
        assert!(unit.output == Output::Discarded && unit.awaits_notifications);
        assert_eq!(unit.files, ["/a/hhvm.service", "/a/1.conf", "/a/2 3.conf"].map(PathBuf::from));
        let not_silent =
            Unit::parse("StandardOutput=null\nStandardError=journal\nWatchdogUSec=0\nType=exec\n");
        assert!(not_silent.output == Output::Kept && !not_silent.awaits_notifications);
    }
}
