//! `agent`: answers the balancers of one unit, on the socket that systemd passes.

use crate::agent::serve;
use crate::context::Context;
use crate::error::Result;
use crate::pool::Store;
use crate::wait::Signals;
use std::io::stdin;
use std::os::fd::AsFd;

/// Runs the command, with the socket as standard input (`StandardInput=socket`, systemd.exec(5)).
pub(super) fn run(context: &Context) -> Result<()> {
    let signals = Signals::take_over();
    serve(stdin().as_fd(), &signals, &Store::new(context))
}
