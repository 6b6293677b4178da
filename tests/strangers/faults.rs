//! What `check` must find wrong with a host, and what nothing of the draw accounts for: then it is a false alarm.

use crate::draw::{Draw, DropIn, Front, Health, Kill, Kind, Relation, Root, Sandbox, Start, StopCommand};

/// What a red line of `check` says of a draw: all of these words, among them what mends it.
pub type Fault = &'static [&'static str];

impl Draw {
    /// Whether hhvm-drain wrote the drop-in for this very unit.
    pub fn is_drop_in_printed(&self) -> bool {
        !self.is_covered() || self.drop_in == DropIn::Printed
    }

    /// Everything that keeps a stop of this host from draining it.
    pub fn faults(&self) -> Vec<Fault> {
        let health: Option<Fault> = match self.health {
            Health::Immutable => Some(&["/var/www/status.php cannot be moved away", "chattr -i"]),
            Health::ReadOnly => Some(&["/var/www/status.php cannot be moved away", "mount it writable"]),
            Health::MountPoint => Some(&["/var/www/status.php cannot be moved away", "mount its directory"]),
            Health::NamesTaken => {
                Some(&["/var/www/status.php cannot be moved away", "already exist; remove"])
            }
            Health::Absent => Some(&["there is no /var/www/status.php", "create it, or set health-file"]),
            _ => None,
        };
        let root: Option<Fault> = match self.root {
            Root::Host => None,
            _ if self.is_drop_in_printed() => None,
            // What is below the root at the next stop, nobody knows before.
            Root::Jail | Root::Bound => Some(&["unit: RootDirectory=", "set RootDirectoryStartOnly=yes"]),
        };
        let sandbox: Option<Fault> = match self.sandbox {
            // What else a sandbox has, systemd does not apply to commands with "+".
            Sandbox::Hidden => Some(&["unit: TemporaryFileSystem=", "set BindPaths=/var/lib/hhvm-drain"]),
            _ => None,
        };
        let front: Option<Fault> = match self.relation {
            _ if self.front == Front::None => None,
            Relation::Requires => Some(&["is stopped", "Requires=", "by Wants="]),
            Relation::BindsTo => Some(&["is stopped", "BindsTo=", "by Wants="]),
            Relation::PartOf => Some(&["is stopped", "PartOf=", "remove PartOf="]),
            Relation::None | Relation::After | Relation::Wants => None,
        };
        [health, root, sandbox, front, self.kill_fault()].into_iter().flatten().collect()
    }

    fn kill_fault(&self) -> Option<Fault> {
        match self.kill {
            Kill::None if self.stop_command != StopCommand::None && !self.is_drop_in_printed() => {
                Some(&["KillMode=none", "set ExecStop="])
            }
            Kill::Process if self.is_main_another() => Some(&["KillMode=process", "set KillMode=mixed"]),
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
