//! A draw: one host, told by what is unusual about it. It has a text form, `kill=none stop-command=kill`, that can be read back.

use std::fmt;
use std::str::FromStr;

use crate::host::Debian;
use crate::random::Random;

/// One thing in which hosts differ, for code that does not care which.
pub struct Dimension {
    /// Its name in the text form.
    pub key: &'static str,
    values: &'static [&'static str],
    get: fn(&Draw) -> usize,
    set: fn(&mut Draw, usize),
}

macro_rules! dimensions {
    ($($(#[$doc:meta])* $field:ident $key:literal $name:ident { $($value:ident $text:literal),+ $(,)? })+) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($value),+ }

        impl $name {
            const ALL: &[Self] = &[$(Self::$value),+];
        })+

        /// A host. The first value of each dimension is the plain one.
        #[derive(Clone, PartialEq, Eq)]
        pub struct Draw { $($(#[$doc])* pub $field: $name),+ }

        impl Draw {
            /// HHVM as its packages set it up.
            pub const PLAIN: Self = Self { $($field: $name::ALL[0]),+ };
        }

        /// All of them.
        pub const DIMENSIONS: &[Dimension] = &[$(Dimension {
            key: $key,
            values: &[$($text),+],
            get: |draw| draw.$field as usize,
            set: |draw, value| draw.$field = $name::ALL[value],
        }),+];
    };
}

dimensions! {
    /// What is drained.
    server "server" Server { Hhvm "hhvm", PhpFpm "php-fpm" }
    /// `Type=`.
    kind "type" Kind { Simple "simple", Exec "exec", Forking "forking", Notify "notify", Oneshot "oneshot" }
    /// How the unit comes to run HHVM.
    start "start" Start {
        Direct "direct", Linked "linked", Renamed "renamed", ExecScript "exec-script", Script "script",
        Setsid "setsid", Daemon "daemon", Sysv "sysv",
    }
    /// `PIDFile=`.
    pid_file "pid-file" PidFile { None "none", Named "named" }
    /// `KillMode=`.
    kill "kill" Kill { ControlGroup "control-group", Mixed "mixed", Process "process", None "none" }
    /// `ExecStop=` of the unit's own.
    stop_command "stop-command" StopCommand { None "none", Kill "kill", Script "script" }
    /// `NotifyAccess=` of the unit's own.
    notify_access "notify-access" NotifyAccess { Unset "unset", Main "main", All "all" }
    /// `TimeoutStopSec=`, the unit's own or an administrator's, who has the last word.
    patience "patience" Patience {
        Unset "unset", Long "long", Infinite "infinite", OverrideShort "override-short",
        OverrideInfinite "override-infinite",
    }
    /// `Delegate=`.
    delegate "delegate" Delegate { No "no", Yes "yes" }
    /// `Slice=`.
    slice "slice" Slice { System "system", Own "own", Nested "nested" }
    /// Whether the unit is an instance of a template.
    template "template" Template { No "no", Instance "instance" }
    /// Where the drop-in comes from.
    drop_in "drop-in" DropIn { Shipped "shipped", Printed "printed" }
    /// `PrivateNetwork=`.
    network "network" Network { Host "host", Private "private" }
    /// `RootDirectory=`.
    root "root" Root { Host "host", Jail "jail", Bound "bound" }
    /// `User=`.
    user "user" User { Root "root", WwwData "www-data" }
    /// The sandbox.
    sandbox "sandbox" Sandbox {
        None "none", PrivateTmp "private-tmp", Strict "strict", Hardened "hardened", Hidden "hidden",
    }
    /// Where HHVM's settings stand, and what has become of them since its start.
    config "config" Config {
        Ini "ini", Hdf "hdf", Options "options", Define "define", TwoFiles "two-files",
        Environment "environment", Latin1 "latin1", Quoted "quoted", Edited "edited", Removed "removed",
        Fifo "fifo",
    }
    /// Where pages are served.
    listen "listen" Listen {
        Tcp4 "tcp4", Any "any", Tcp6 "tcp6", Any6 "any6", Unix "unix", Odd "odd", Two "two",
    }
    /// The admin server.
    admin "admin" Admin {
        On "on", Off "off", Password "password", OtherAddress "other-address", OddPort "odd-port", Tcp6 "tcp6",
    }
    /// Light processes.
    light "light" Light { None "none", Three "three" }
    /// `graceful_shutdown_wait`.
    graceful "graceful" Graceful { None "none", Five "five" }
    /// How HHVM ends, which is a question of its age.
    profile "profile" Profile { New "new", Mid "mid", Old "old", KillOnTerm "kill-on-term" }
    /// Whether the page port opens three seconds after the admin port.
    slow "slow" Slow { No "no", Yes "yes" }
    /// Somebody else's process on a usual port.
    stranger "stranger" Stranger { None "none", Admin "admin", Page "page", Eighty "eighty" }
    /// The web server in front.
    front "front" Front { None "none", Nginx "nginx", Apache "apache" }
    /// What the web server's unit says of HHVM's.
    relation "relation" Relation {
        None "none", After "after", Wants "wants", Requires "requires", BindsTo "binds-to", PartOf "part-of",
    }
    /// The health file.
    health "health" Health {
        Plain "plain", Link "link", Current "current", Foreign "foreign", MountedLater "mounted-later",
        MountLeaves "mount-leaves", Immutable "immutable", ReadOnly "read-only", MountPoint "mount-point",
        NamesTaken "names-taken", Absent "absent", Two "two",
    }
    /// The setting `repool`.
    repool "repool" Repool { WhenHealthy "when-healthy", AfterStop "after-stop" }
    /// What else happens during the drain.
    meanwhile "meanwhile" Meanwhile { Nothing "nothing", DaemonReload "daemon-reload", Crash "crash" }
    /// What the administrator does.
    how "how" How { Stop "stop", Restart "restart", Reboot "reboot" }
    /// How many pools PHP-FPM has.
    pools "pools" Pools { One "one", Two "two", Three "three" }
    /// `pm`.
    pm "pm" Pm { Dynamic "dynamic", Ondemand "ondemand", Static "static" }
    /// The status pages of PHP-FPM's pools.
    status "status" Status { None "none", Path "path", Deep "deep", Listen "listen" }
    /// What a deploy does to the health file during the drain.
    deploy "deploy" Deploy { None "none", PutsBack "puts-back", Cleans "cleans", Switches "switches" }
    /// Another unit with the same health file.
    neighbour "neighbour" Neighbour { None "none", Serves "serves", Drains "drains" }
    /// The release, and with it the version of systemd.
    release "debian" Release { Twelve "12", Eleven "11", Thirteen "13" }
}

impl Release {
    /// As the hosts know it.
    pub fn debian(self) -> Debian {
        match self {
            Self::Eleven => Debian::Eleven,
            Self::Twelve => Debian::Twelve,
            Self::Thirteen => Debian::Thirteen,
        }
    }
}

impl Dimension {
    fn is_plain(&self, draw: &Draw) -> bool {
        (self.get)(draw) == 0
    }

    /// Makes it plain.
    pub fn plain(&self, draw: &mut Draw) {
        (self.set)(draw, 0);
    }
}

impl Draw {
    /// A possible host; the random numbers also decide how odd it is altogether.
    pub fn random(random: &mut Random) -> Self {
        let mut draw = Self::PLAIN;
        let oddness = [15, 30, 50][random.below(3)];
        for dimension in DIMENSIONS {
            if random.below(100) < oddness {
                (dimension.set)(&mut draw, random.below(dimension.values.len()));
            }
        }
        draw.settled()
    }

    /// What is not plain about it.
    pub fn oddities(&self) -> Vec<&'static Dimension> {
        DIMENSIONS.iter().filter(|dimension| !dimension.is_plain(self)).collect()
    }
}

impl fmt::Display for Draw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let odd = self.oddities().into_iter();
        let words: Vec<_> = odd
            .map(|dimension| format!("{}={}", dimension.key, dimension.values[(dimension.get)(self)]))
            .collect();
        f.write_str(if words.is_empty() { "plain" } else { "" })?;
        f.write_str(&words.join(" "))
    }
}

impl FromStr for Draw {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut draw = Self::PLAIN;
        for word in text.split_whitespace().filter(|word| *word != "plain") {
            let (key, value) = word.split_once('=').ok_or_else(|| format!("{word:?} is not key=value"))?;
            let dimension = DIMENSIONS.iter().find(|dimension| dimension.key == key);
            let dimension = dimension.ok_or_else(|| format!("nothing is called {key:?}"))?;
            let value = dimension.values.iter().position(|text| *text == value);
            let value = value.ok_or_else(|| format!("{word:?}: {key} is one of {:?}", dimension.values))?;
            (dimension.set)(&mut draw, value);
        }
        let settled = draw.clone().settled();
        if settled == draw { Ok(draw) } else { Err(format!("{text:?} is no possible host; {settled} is")) }
    }
}
