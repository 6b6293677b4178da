//! The program from outside, without root: against the stand-in for HHVM, a directory in place of `/`, and a socket
//! in place of systemd's.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

mod agent;
mod answers;
mod attacks;
mod back;
mod balancers;
mod clocks;
mod docroot;
mod haproxy;
mod history;
mod image;
mod liar;
mod meanwhile;
mod metrics;
mod observe;
mod operator;
mod pool;
mod power;
mod published;
mod rig;
mod run;
mod scarce;
mod stop;
mod sudden;
mod systemctl;
mod told;
mod trace;
mod usage;
mod watch;
