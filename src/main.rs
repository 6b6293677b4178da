//! Maps an outcome to an exit status; everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(hhvm_drain::run(std::env::args_os().collect()))
}
