//! The client of a fleet's etcd, and the commands that use it, against real servers of every version that this machine can
//! get: as one member and as three, on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod authentication;
mod certificates;
mod check;
mod client;
mod cluster;
mod command;
mod failover;
mod forms;
mod host;
mod secure;

use cluster::Server;
use libtest_mimic::{Arguments, Trial};
use std::path::Path;
use std::process::{Command, ExitCode};

/// A test: a function that panics when something is not as it should be.
type Test = (&'static str, fn(&Server), Versions);

/// With which servers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Versions {
    /// All of them.
    All,
    /// Debian 12's, or the oldest after it.
    One,
}

/// What One means, where it is there.
const PREFERRED: &str = "3.4";

const TESTS: &[Test] = &[
    (
        "forms::a_turn_is_queued_for_taken_and_given_back",
        forms::a_turn_is_queued_for_taken_and_given_back,
        Versions::All,
    ),
    ("forms::a_lease_is_renewed_and_ended", forms::a_lease_is_renewed_and_ended, Versions::All),
    (
        "forms::the_first_in_line_are_shown_at_one_revision",
        forms::the_first_in_line_are_shown_at_one_revision,
        Versions::All,
    ),
    (
        "forms::what_strangers_write_is_shown_as_strange",
        forms::what_strangers_write_is_shown_as_strange,
        Versions::All,
    ),
    ("forms::the_servers_state_is_known", forms::the_servers_state_is_known, Versions::All),
    ("authentication::users_and_their_rights", authentication::users_and_their_rights, Versions::All),
    (
        "authentication::a_token_that_is_no_longer_good_is_renewed",
        authentication::a_token_that_is_no_longer_good_is_renewed,
        Versions::All,
    ),
    ("secure::certificates_on_both_sides", secure::certificates_on_both_sides, Versions::All),
    (
        "secure::a_server_certificate_for_servers_only_is_named",
        secure::a_server_certificate_for_servers_only_is_named,
        Versions::All,
    ),
    (
        "secure::a_client_with_a_cn_is_named_where_users_are",
        secure::a_client_with_a_cn_is_named_where_users_are,
        Versions::All,
    ),
    ("failover::any_member_will_do", failover::any_member_will_do, Versions::One),
    (
        "failover::a_frozen_member_costs_a_moment_once",
        failover::a_frozen_member_costs_a_moment_once,
        Versions::One,
    ),
    ("failover::the_leader_may_be_killed", failover::the_leader_may_be_killed, Versions::One),
    (
        "failover::without_a_quorum_nothing_is_certain_and_nothing_hangs",
        failover::without_a_quorum_nothing_is_certain_and_nothing_hangs,
        Versions::One,
    ),
    (
        "failover::everything_is_kept_over_a_restart_of_all",
        failover::everything_is_kept_over_a_restart_of_all,
        Versions::One,
    ),
    ("command::it_shows_who_is_out_and_who_waits", command::it_shows_who_is_out_and_who_waits, Versions::One),
    (
        "command::an_operator_sets_the_limit_and_frees_a_slot",
        command::an_operator_sets_the_limit_and_frees_a_slot,
        Versions::One,
    ),
    ("command::an_operator_takes_turns", command::an_operator_takes_turns, Versions::One),
    ("command::what_cannot_be_asked_is_one_line", command::what_cannot_be_asked_is_one_line, Versions::One),
    ("check::a_good_fleet_is_told_in_a_few_lines", check::a_good_fleet_is_told_in_a_few_lines, Versions::One),
    (
        "check::what_keeps_a_turn_from_being_taken_is_an_error",
        check::what_keeps_a_turn_from_being_taken_is_an_error,
        Versions::One,
    ),
    (
        "check::certificates_that_do_not_fit_are_told",
        check::certificates_that_do_not_fit_are_told,
        Versions::One,
    ),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Most of the time they wait for elections.
    arguments.test_threads.get_or_insert(6);
    let servers = if arguments.list { Vec::new() } else { servers() };
    if servers.is_empty() && !arguments.list {
        println!("tests with etcd are ignored: no etcd could be had from this machine's sources");
    }
    let one = servers.iter().find(|server| server.version.starts_with(PREFERRED)).or(servers.first());
    let mut trials = Vec::new();
    for (name, test, versions) in TESTS {
        let on: Vec<Server> = match versions {
            Versions::All => servers.clone(),
            Versions::One => one.cloned().into_iter().collect(),
        };
        if on.is_empty() {
            trials.push(Trial::test(*name, || Ok(())).with_ignored_flag(true));
        }
        for server in on {
            let name = format!("{}::{name}", server.version);
            let run = move || {
                test(&server);
                Ok(())
            };
            trials.push(Trial::test(name, run));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// What servers.sh can get, the oldest first.
fn servers() -> Vec<Server> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/etcd/servers.sh");
    let output = Command::new(script).output().expect("servers.sh");
    let text = String::from_utf8(output.stdout).unwrap();
    let server = |line: &str| {
        let (version, program) = line.split_once(' ')?;
        Some(Server { version: version.to_owned(), program: program.into() })
    };
    let mut servers: Vec<Server> = text.lines().filter_map(server).collect();
    servers.sort_by(|one, other| one.version.cmp(&other.version));
    servers
}
