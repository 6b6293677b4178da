//! What `check` must find wrong with a host, and what nothing of the draw accounts for: then it is a false alarm.

use crate::draw::{Draw, DropIn, Front, Health, Kill, Kind, Relation, Root, Sandbox, Start, StopCommand};

/// What a red line of `check` says of a draw.
pub struct Fault {
    /// All of these words, among them what mends it.
    pub words: &'static [&'static str],
    /// Whether `check` must say so.
    pub is_certain: bool,
}

impl Draw {
    /// Whether hhvm-drain wrote the drop-in for this very unit.
    pub fn is_drop_in_printed(&self) -> bool {
        !self.is_covered() || self.drop_in == DropIn::Printed
    }

    /// Everything that keeps a stop of this host from draining it.
    pub fn faults(&self) -> Vec<Fault> {
        let certain = |words| Some(Fault { words, is_certain: true });
        let health = match self.health {
            Health::Immutable => certain(&["/var/www/status.php cannot be moved away", "chattr -i"][..]),
            Health::ReadOnly => certain(&["/var/www/status.php cannot be moved away", "mount it writable"]),
            Health::MountPoint => {
                certain(&["/var/www/status.php cannot be moved away", "mount its directory"])
            }
            Health::NamesTaken => {
                certain(&["/var/www/status.php cannot be moved away", "already exist; remove"])
            }
            Health::Absent => certain(&["there is no /var/www/status.php", "create it, or set health-file"]),
            _ => None,
        };
        let root = match self.root {
            Root::Host => None,
            _ if self.is_drop_in_printed() => None,
            Root::Jail => certain(&["unit: RootDirectory=", "set RootDirectoryStartOnly=yes"][..]),
            Root::Bound => Some(Fault { words: &["unit: RootDirectory="], is_certain: false }),
        };
        let sandbox = match self.sandbox {
            // What else a sandbox has, systemd does not apply to commands with "+".
            Sandbox::Hidden => {
                certain(&["unit: TemporaryFileSystem=", "set BindPaths=/var/lib/hhvm-drain"][..])
            }
            _ => None,
        };
        let front = match self.relation {
            _ if self.front == Front::None => None,
            Relation::Requires => certain(&["is stopped", "Requires=", "by Wants="][..]),
            Relation::BindsTo => certain(&["is stopped", "BindsTo=", "by Wants="]),
            Relation::PartOf => certain(&["is stopped", "PartOf=", "remove PartOf="]),
            Relation::None | Relation::After | Relation::Wants => None,
        };
        [health, root, sandbox, front, self.kill_fault()].into_iter().flatten().collect()
    }

    fn kill_fault(&self) -> Option<Fault> {
        let certain = |words| Some(Fault { words, is_certain: true });
        match self.kill {
            Kill::None if self.stop_command != StopCommand::None && !self.is_drop_in_printed() => {
                certain(&["KillMode=none", "set ExecStop="])
            }
            Kill::Process if self.is_main_another() => certain(&["KillMode=process", "set KillMode=mixed"]),
            _ => None,
        }
    }

    /// Whether the process that systemd takes for the main one is not the one that listens.
    fn is_main_another(&self) -> bool {
        match self.kind {
            Kind::Oneshot => true,
            Kind::Forking => false,
            Kind::Simple | Kind::Exec | Kind::Notify => matches!(self.start, Start::Script | Start::Setsid),
        }
    }
}
