//! Which draws are hosts that work without hhvm-drain. What contradicts itself is made plain, always in the same way.

use crate::draw::{
    Admin, Config, Deploy, Draw, Front, Health, How, Kill, Kind, Listen, Meanwhile, Network, NotifyAccess,
    Patience, PidFile, Relation, Release, Root, Sandbox, Server, Start, StopCommand, Stranger, User,
};

impl Draw {
    /// The nearest possible host.
    pub fn settled(mut self) -> Self {
        match self.server {
            Server::PhpFpm => self.settle_php_fpm(),
            Server::Hhvm => self.settle_hhvm(),
        }
        if self.mends_config() {
            // HHVM could not be started again before somebody has mended the file.
            self.how = How::Stop;
            if self.health == Health::MountedLater {
                self.health = Health::Plain;
            }
        }
        if self.kill == Kill::None {
            // Nothing but its end ends the wait where no command stops the server.
            self.patience = Patience::OverrideShort;
        }
        self.settle_release();
        self.settle_front();
        self.settle_deploy();
        if self.how == How::Reboot && self.health == Health::MountLeaves {
            // The reboot brings the mount back, or not: another story.
            self.how = How::Stop;
        }
        if self.how != How::Reboot && self.health == Health::MountedLater {
            self.how = How::Reboot;
        }
        if self.how == How::Reboot && matches!(self.health, Health::ReadOnly | Health::MountPoint) {
            // A mount by hand is not there after a reboot.
            self.how = How::Stop;
        }
        self
    }

    fn settle_hhvm(&mut self) {
        let plain = Self::PLAIN;
        (self.pools, self.pm, self.status) = (plain.pools, plain.pm, plain.status);
        if self.root == Root::Jail && !matches!(self.start, Start::Direct | Start::Linked) {
            // There is no shell in it.
            self.start = Start::Direct;
        }
        if self.root == Root::Jail {
            self.stop_command = StopCommand::None;
        }
        self.settle_start();
        if self.start == Start::Sysv {
            // The script is as the package has it, and root's; an administrator may still add a drop-in.
            (self.kind, self.template, self.pid_file) = (plain.kind, plain.template, plain.pid_file);
            (self.kill, self.stop_command, self.notify_access) =
                (plain.kill, plain.stop_command, plain.notify_access);
            (self.network, self.root, self.user) = (plain.network, plain.root, plain.user);
            (self.sandbox, self.config) = (plain.sandbox, Config::Ini);
        }
        if self.kind == Kind::Oneshot || (self.kind == Kind::Forking && self.pid_file == PidFile::None) {
            // Without a main process, $MAINPID is empty.
            if self.stop_command == StopCommand::Kill {
                self.stop_command = StopCommand::Script;
            }
        }
        if self.root == Root::Bound && self.sandbox == Sandbox::Hidden {
            self.sandbox = Sandbox::None;
        }
        self.settle_ports();
    }

    /// `Type=` and the way to start belong together.
    fn settle_start(&mut self) {
        if self.start == Start::Sysv {
            return;
        }
        if self.root == Root::Jail && !matches!(self.kind, Kind::Simple | Kind::Exec) {
            self.kind = Kind::Simple;
        }
        match self.kind {
            Kind::Simple | Kind::Exec if self.start == Start::Daemon => self.kind = Kind::Forking,
            Kind::Forking if !matches!(self.start, Start::Daemon | Start::Setsid | Start::Script) => {
                self.start = Start::Daemon;
            }
            Kind::Simple | Kind::Exec | Kind::Forking => {}
            Kind::Notify => {
                if !matches!(self.start, Start::Script | Start::ExecScript) {
                    self.start = Start::Script;
                }
                // Whoever is not root sends from a process of its own.
                let is_main = self.start == Start::Script && self.user == User::Root;
                if !is_main || self.notify_access == NotifyAccess::Unset {
                    self.notify_access = NotifyAccess::All;
                }
            }
            Kind::Oneshot => self.start = Start::Daemon,
        }
        if self.kind != Kind::Forking {
            self.pid_file = PidFile::None;
        }
        if self.kill == Kill::None && self.kind == Kind::Oneshot && self.stop_command == StopCommand::None {
            self.stop_command = StopCommand::Script;
        }
    }

    fn settle_ports(&mut self) {
        if self.stranger == Stranger::Page && matches!(self.listen, Listen::Any | Listen::Any6 | Listen::Two)
        {
            self.stranger = Stranger::None;
        }
        // HHVM's admin server is on every address, too.
        if self.stranger == Stranger::Admin
            && matches!(self.listen, Listen::Any | Listen::Any6)
            && matches!(self.admin, Admin::On | Admin::Password)
            && self.server == Server::Hhvm
        {
            self.stranger = Stranger::None;
        }
    }

    fn settle_php_fpm(&mut self) {
        let drawn = self.clone();
        // Debian's unit and package; the administrator adds a drop-in.
        *self = Self {
            server: Server::PhpFpm,
            kill: drawn.kill,
            patience: drawn.patience,
            delegate: drawn.delegate,
            slice: drawn.slice,
            network: drawn.network,
            sandbox: drawn.sandbox,
            listen: drawn.listen,
            stranger: drawn.stranger,
            front: drawn.front,
            relation: drawn.relation,
            health: drawn.health,
            repool: drawn.repool,
            meanwhile: drawn.meanwhile,
            how: drawn.how,
            deploy: drawn.deploy,
            neighbour: drawn.neighbour,
            pools: drawn.pools,
            pm: drawn.pm,
            status: drawn.status,
            ..Self::PLAIN
        };
        if self.kill == Kill::None {
            self.kill = Kill::Mixed;
        }
        if matches!(self.listen, Listen::Two | Listen::Odd) {
            self.listen = Listen::Unix;
        }
        self.settle_ports();
    }

    /// The older and the newer release have no PHP 8.2, and their roots no Apache.
    fn settle_release(&mut self) {
        if self.server == Server::PhpFpm {
            self.release = Release::Twelve;
        }
        let lacks = match self.release {
            Release::Twelve => false,
            // There, /bin and /usr/bin are two directories.
            Release::Eleven => self.root == Root::Bound,
            // There, no chattr, and the unit with the bound root does not start, with hhvm-drain or without it.
            Release::Thirteen => self.health == Health::Immutable || self.root == Root::Bound,
        };
        if lacks {
            self.release = Release::Twelve;
        }
        if self.release != Release::Twelve && self.front == Front::Apache {
            self.front = Front::Nginx;
        }
    }

    /// A deploy finds a file that the drain could move away.
    fn settle_deploy(&mut self) {
        if self.deploy == Deploy::Switches {
            self.health = Health::Current;
        }
        let moves = matches!(
            self.health,
            Health::Plain | Health::Foreign | Health::Link | Health::Two | Health::Current
        );
        // After a crash, the file may be back before the deploy writes to it, as any deploy does.
        if !moves || (self.deploy == Deploy::PutsBack && self.meanwhile == Meanwhile::Crash) {
            self.deploy = Deploy::None;
        }
    }

    fn settle_front(&mut self) {
        let is_reachable = self.network == Network::Host || self.listen == Listen::Unix;
        if !is_reachable || self.root == Root::Jail {
            self.front = Front::None;
        }
        if self.front == Front::None {
            self.relation = Relation::None;
        }
        if self.front != Front::None && self.listen == Listen::Unix && self.server == Server::Hhvm {
            // HHVM's socket has mode 0760.
            if self.start == Start::Sysv {
                self.listen = Listen::Tcp4;
            } else {
                self.user = User::WwwData;
                if self.kind == Kind::Notify {
                    self.notify_access = NotifyAccess::All;
                }
            }
        }
    }
}
