//! The drain as the administrator of a host sees it.

use std::time::Duration;

use serde_json::Value;

use super::{Background, Entry, Host, Output, wait_for};

/// The file that the load balancer requests.
pub const HEALTH_FILE: &str = "/var/www/status.php";
/// Where it is while the node is out.
pub const DISABLED_FILE: &str = "/var/www/status.php.disabled";

impl Host {
    /// Stops HHVM, to the end.
    #[track_caller]
    pub fn stop(&self) -> Output {
        self.run("systemctl stop hhvm").ok()
    }

    /// Begins to stop HHVM, and returns when the health file is away.
    pub fn begin_stop(&self) -> Background {
        let stop = self.spawn("systemctl stop hhvm");
        wait_for("the health file to go away", Duration::from_secs(5), || !self.exists(HEALTH_FILE));
        stop
    }

    /// What `hhvm-drain status --json` says.
    pub fn status(&self) -> Value {
        let output = self.run("hhvm-drain status --json").ok();
        serde_json::from_str(&output.stdout).expect("JSON from status --json")
    }

    /// How the last drain ended, after the journal.
    pub fn outcome(&self) -> String {
        let outcome = |entry: &Entry| entry.field("HHVM_DRAIN_OUTCOME").to_owned();
        self.journal().iter().map(outcome).rfind(|outcome| !outcome.is_empty()).unwrap_or_default()
    }

    /// Whether the load balancer finds the health file, and nothing is left parked.
    pub fn is_pooled(&self) -> bool {
        self.exists(HEALTH_FILE) && !self.exists(DISABLED_FILE)
    }

    /// Fails the test unless HHVM's start, if it does not run, brings the node back.
    #[track_caller]
    pub fn assert_comes_back(&self) {
        self.run("systemctl start hhvm").ok();
        wait_for("the node to be back in its pool", Duration::from_secs(15), || self.is_pooled());
    }

    /// Fails the test unless the unit has ended as an untroubled one does, with this outcome of the drain.
    #[track_caller]
    pub fn assert_stopped(&self, outcome: &str) {
        let result = (self.show("hhvm", "ActiveState"), self.show("hhvm", "Result"), self.outcome());
        assert_eq!(result, ("inactive".to_owned(), "success".to_owned(), outcome.to_owned()));
    }
}
