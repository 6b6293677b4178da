//! Whatever apt does with the package, in whatever state the host is: HHVM's process is not touched, the node is in
//! the pool or out of it as before, and what an administrator has written is kept.

use std::time::Duration;

use crate::host::drain::{DISABLED_FILE, HEALTH_FILE};
use crate::host::{Background, Host};

/// Something that apt does.
struct Change {
    /// What comes before it, so that it can be done.
    before: &'static str,
    command: &'static str,
    /// Whether the program is there afterwards.
    stays: bool,
    /// Whether settings and state go, too.
    purges: bool,
}

const UPGRADE: Change = Change {
    before: "true",
    command: "apt-get install -y /root/hhvm-drain-newer.deb",
    stays: true,
    purges: false,
};
const DOWNGRADE: Change = Change {
    before: UPGRADE.command,
    command: "apt-get install -y --allow-downgrades /root/hhvm-drain.deb",
    ..UPGRADE
};
const REINSTALLATION: Change =
    Change { command: "apt-get install -y --reinstall /root/hhvm-drain.deb", ..UPGRADE };
const REMOVAL: Change = Change { command: "apt-get remove -y hhvm-drain", stays: false, ..UPGRADE };
const PURGE: Change = Change { command: "apt-get purge -y hhvm-drain", purges: true, ..REMOVAL };

/// A state of the host: what makes it so, and what must hold after the change.
struct State {
    make: fn(&Host),
    holds: fn(&Host, &Change),
}

const SETTINGS: &str = "/etc/hhvm-drain.toml";
const OVERRIDE: &str = "/etc/systemd/system/hhvm.service.d/drain.conf";

const RUNNING: State = State { make: |_| {}, holds: |host, _| assert!(host.is_pooled()) };

const TAKEN_OUT_BY_AN_OPERATOR: State = State {
    make: |host| drop(host.run("hhvm-drain depool --reason 'new disk'").ok()),
    holds: |host, change| {
        assert!(host.exists(DISABLED_FILE) && !host.exists(HEALTH_FILE), "the operator took it out");
        if change.stays {
            let status = host.status();
            assert_eq!((&status["by"], &status["reason"]), (&"operator".into(), &"new disk".into()));
        }
        assert_eq!(host.exists("/var/lib/hhvm-drain/hhvm.service.json"), !change.purges);
    },
};

const OVERRIDDEN: State = State {
    make: |host| {
        host.write_file(OVERRIDE, "[Service]\nExecStop=-+/usr/bin/hhvm-drain stop --min-drain=0s\n");
        host.run("systemctl daemon-reload").ok();
    },
    holds: |host, _| {
        assert!(host.show("hhvm", "ExecStop").contains("stop --min-drain=0s"));
        assert_eq!(host.show("hhvm", "ExecStopPost"), "");
    },
};

const CONFIGURED: State = State {
    make: |host| drop(host.run(&format!("echo \"min-drain = '1s'\" >{SETTINGS}")).ok()),
    holds: |host, change| {
        if change.purges {
            assert!(!host.exists(SETTINGS));
        } else {
            assert_eq!(host.read_file(SETTINGS), "min-drain = '1s'\n");
        }
    },
};

/// Makes the change in every state, each on a host of its own.
fn in_every_state(change: &Change) {
    for state in [RUNNING, TAKEN_OUT_BY_AN_OPERATOR, OVERRIDDEN, CONFIGURED] {
        let host = host(change);
        (state.make)(&host);
        let pid = host.show("hhvm", "MainPID");
        host.run(change.command).ok();
        assert_eq!((host.show("hhvm", "MainPID"), host.show("hhvm", "ActiveState")), (pid, "active".into()));
        (state.holds)(&host, change);
        assert_effective(&host, change);
    }
}

/// Makes the change while a drain is going on: the drain is not cut short, and the node comes back.
fn in_mid_drain(change: &Change) {
    let host = host(change);
    host.hhvm_says("load = 3>0/4s");
    let stop: Background = host.begin_stop();
    host.run(change.command).ok();
    let took = stop.wait().ok().took;
    assert!(took > Duration::from_secs(4), "{took:?}");
    assert_eq!(host.show("hhvm", "Result"), "success");
    host.assert_comes_back();
    assert_effective(&host, change);
}

fn host(change: &Change) -> Host {
    let host = Host::with_package().boot();
    host.bring_package();
    host.bring_newer_package();
    host.run(change.before).ok();
    host
}

/// systemd knows what is installed now, and what is installed is whole.
fn assert_effective(host: &Host, change: &Change) {
    assert_eq!(host.show("hhvm", "NeedDaemonReload"), "no");
    assert_eq!(host.exists("/usr/bin/hhvm-drain"), change.stays);
    assert!(!change.purges || !host.exists("/var/lib/hhvm-drain"));
    if change.stays {
        let newer = host.run("dpkg-query -W -f '${Version}' hhvm-drain").ok().stdout == "99-1";
        assert_eq!(newer, change.command == UPGRADE.command);
        assert_eq!(changed_files(host), Vec::<String>::new());
    } else if !host.exists(OVERRIDE) {
        assert_eq!(host.show("hhvm", "ExecStop"), "");
    }
}

/// The package's files that are not as it brought them, but for the settings. That dpkg finds one is seen first.
fn changed_files(host: &Host) -> Vec<String> {
    const COPYRIGHT: &str = "/usr/share/doc/hhvm-drain/copyright";
    let verify = || -> Vec<String> {
        let told = host.run("dpkg --verify hhvm-drain").stdout;
        told.lines().filter(|line| !line.ends_with("/etc/hhvm-drain.toml")).map(str::to_owned).collect()
    };
    let before = verify();
    host.run(&format!("cp -p {COPYRIGHT} /root/kept && echo >>{COPYRIGHT}")).ok();
    assert!(verify().iter().any(|line| line.ends_with(COPYRIGHT)), "dpkg verifies nothing");
    host.run(&format!("mv /root/kept {COPYRIGHT}")).ok();
    before
}

macro_rules! changes {
    ($($name:ident, $in_mid_drain:ident: $change:ident);+ $(;)?) => {$(
        pub fn $name() {
            in_every_state(&$change);
        }

        pub fn $in_mid_drain() {
            in_mid_drain(&$change);
        }
    )+};
}

changes! {
    upgrade, upgrade_in_mid_drain: UPGRADE;
    downgrade, downgrade_in_mid_drain: DOWNGRADE;
    reinstallation, reinstallation_in_mid_drain: REINSTALLATION;
    removal, removal_in_mid_drain: REMOVAL;
    purge, purge_in_mid_drain: PURGE;
}
