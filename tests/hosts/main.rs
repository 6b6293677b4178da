//! Host tests: the package on a real systemd, one test per behaviour.
//!
//! A machine that cannot run them reports every one as ignored and says why.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod harness;
mod host;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// A test: a function that panics when something is not as it should be.
type Test = (&'static str, fn());

/// Lists the named functions of a module as tests.
macro_rules! tests {
    ($($module:ident: $($name:ident),+ $(,)?);+ $(;)?) => {
        &[$($((concat!(stringify!($module), "::", stringify!($name)), $module::$name as fn())),+),+]
    };
}

#[rustfmt::skip]
const TESTS: &[Test] = tests! {
    harness: runs_commands, reads_the_journal, survives_a_power_cut, reboots;
};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The tests wait more than they work.
    arguments.test_threads.get_or_insert(6);
    let reason = if arguments.list { None } else { host::prepare().err() };
    if let Some(reason) = &reason {
        println!("host tests are ignored on this machine: {reason}");
    }
    let trials = TESTS.iter().map(|&(name, test)| {
        let reason = reason.clone();
        let ignored = reason.is_some();
        let run = move || reason.map_or(Ok(()), |reason| Err(reason.into())).map(|()| test());
        Trial::test(name, run).with_ignored_flag(ignored)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
