//! The table of settings, with one entry for each. Elsewhere there is only its use and its manual.

use super::balancer::{Balancer, balancers};
use super::fleet;
use super::value::{self, Repool, list, one, optional, whole};
use crate::endpoint::{Endpoint, Kind};
use crate::page_url::PageUrl;
use crate::problem::Location;
use crate::row::Named;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// What all variables of the program begin with.
pub const VARIABLE_PREFIX: &str = "HHVM_DRAIN_";

/// How many values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One.
    One,
    /// One or more; in a variable they stand between this character.
    List(char),
    /// Any number of texts and tables, which only a file can hold; a table is passed on as JSON.
    Tables,
}

/// A setting's entry in the table.
pub struct Spec {
    /// The key in the files, and the long flag.
    pub name: &'static str,
    /// What its value is called in help.
    pub value_name: &'static str,
    /// The default as a file would give it; none if it is off by default.
    pub default: Option<&'static str>,
    /// How many values it takes.
    pub form: Form,
    /// One line of help.
    pub help: &'static str,
    /// Parses values and sets the field; an error says what would be right, without the name.
    set: fn(&mut Settings, &[&str]) -> Result<(), String>,
}

impl Spec {
    /// The setting called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SPECS.iter().find(|spec| spec.name == name)
    }

    /// Whether it can be set in files only.
    #[must_use]
    pub fn is_for_files_only(&self) -> bool {
        self.form == Form::Tables
    }

    /// The name of the environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.name.to_uppercase().replace('-', "_"))
    }

    /// The values in the text of a variable.
    #[must_use]
    pub fn split<'a>(&self, text: &'a str) -> Vec<&'a str> {
        match self.form {
            Form::One => vec![text],
            Form::List(separator) => text.split(separator).collect(),
            Form::Tables => Vec::new(),
        }
    }
}

impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Spec {}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Makes [`Settings`] and [`SPECS`] of the table: the field and its type; name, value's name, default; how its values
/// are read; help.
macro_rules! settings {
    ($(
        $(#[doc = $doc:literal])+
        $field:ident: $type:ty = ($name:literal, $value_name:literal, $default:expr),
        $read:ident($parse:path) as $form:expr,
        $help:literal;
    )+) => {
        /// The checked settings of one unit.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $field: $type,)+
            /// The table `[fleet]`, which has keys of its own: [`fleet::KEYS`].
            pub fleet: fleet::Setting,
            /// Where those that are set are set, by name.
            pub set_by: BTreeMap<&'static str, Location>,
        }

        /// Every setting, in the order of the manual.
        pub static SPECS: &[Spec] = &[$(Spec {
            name: $name,
            value_name: $value_name,
            default: $default,
            form: $form,
            help: $help,
            set: |settings, values| {
                settings.$field = $read(values, $parse)?;
                Ok(())
            },
        }),+];

        impl Default for Settings {
            fn default() -> Self {
                let given = |default: Option<&'static str>| Vec::from_iter(default);
                // The test every_default_can_be_parsed parses each of them.
                Self {
                    $($field: $read(&given($default), $parse).expect($name),)+
                    fleet: fleet::Setting::Unset,
                    set_by: BTreeMap::new(),
                }
            }
        }
    };
}

settings! {
    /// The files that are renamed, absolute, without the root.
    health_files: Vec<PathBuf> = ("health-file", "PATH", Some("/var/www/status.php")),
    list(value::file) as Form::List(':'),
    "The file that the load balancer requests; repeatable";

    /// The URL at which the front end on this host serves the health file.
    health_url: Option<PageUrl> = ("health-url", "URL", None),
    optional(value::page_url) as Form::One,
    "URL at which this host's front end serves the health file";

    /// Where the load is read.
    endpoint: Endpoint = ("endpoint", "URL", Some("auto")),
    whole(Endpoint::of) as Form::List(' '),
    "Where to read the load; repeatable";

    /// What answers there.
    kind: Kind = ("kind", "KIND", Some("hhvm")),
    one(value::kind) as Form::One,
    "What answers at the endpoint: hhvm or php-fpm";

    /// File with the admin password, absolute, without the root.
    password_file: Option<PathBuf> = ("password-file", "PATH", None),
    optional(value::absolute) as Form::One,
    "File with HHVM's admin password";

    /// Time after depooling for which zero load is ignored.
    min_drain: Duration = ("min-drain", "TIME", Some("10s")),
    one(value::duration) as Form::One,
    "Ignore zero load for this long after taking the node out";

    /// The longest time to wait in total.
    timeout: Duration = ("timeout", "TIME", Some("30s")),
    one(value::duration) as Form::One,
    "Stop waiting after this time; the stop goes on";

    /// Time between two probes.
    poll_interval: Duration = ("poll-interval", "TIME", Some("100ms")),
    one(value::poll_interval) as Form::One,
    "Time between readings of the load";

    /// Consecutive zeros that end the wait, all after `min_drain`.
    zero_samples: NonZeroU32 = ("zero-samples", "N", Some("3")),
    one(value::zero_samples) as Form::One,
    "Consecutive zero readings that end the wait";

    /// Load that counts as zero.
    threshold: u64 = ("threshold", "N", Some("0")),
    one(value::threshold) as Form::One,
    "A load at or below this counts as zero";

    /// When the node goes back.
    repool: Repool = ("repool", "WHEN", Some("when-healthy")),
    one(value::repool) as Form::One,
    "When the node goes back: when-healthy, after-stop or never";

    /// How long a start waits for HHVM to serve.
    start_timeout: Duration = ("start-timeout", "TIME", Some("60s")),
    one(value::duration) as Form::One,
    "Longest time that a start waits until HHVM serves";

    /// The load balancers that are asked during a drain.
    balancers: Vec<Balancer> = ("balancer", "BALANCER", None),
    whole(balancers) as Form::Tables,
    "Load balancers to ask during a drain";

    /// How the balancers know this node.
    balancer_name: Named = ("balancer-name", "NAME", Some("auto")),
    one(str::parse) as Form::One,
    "This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER";

    /// The file of metrics for `node_exporter`, absolute, without the root.
    metrics_file: Option<PathBuf> = ("metrics-file", "PATH", None),
    optional(value::metrics) as Form::One,
    "File of metrics for node_exporter's textfile collector";
}

impl Settings {
    /// Sets one setting from text.
    ///
    /// # Errors
    /// What is wrong with the values and what would be right, without the setting's name.
    pub fn set(&mut self, spec: &Spec, values: &[&str]) -> Result<(), String> {
        (spec.set)(self, values)
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
