//! A stand-in for HHVM: what the tests and the demo drain. It shares no code with hhvm-drain, or mistakes would cancel out.
//!
//! The page server and the admin server behave as HHVM's do, down to newlines and padding, and end as HHVM does, by the profile
//! chosen. A control file makes the admin server misbehave. `tests/README.md` says what it cannot vouch for.

mod admin;
mod args;
mod connection;
mod control;
mod fastcgi;
mod help;
mod http;
mod message;
mod net;
mod options;
mod page;
mod pool;
mod process;
mod server;
mod session;
mod shutdown;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::{env, thread};

use admin::Admin;
use args::Args;
use control::Control;
use options::{Era, Options};
use page::Page;
use pool::Pool;
use server::Server;
use shutdown::{Cause, Shutdown};

fn main() -> ExitCode {
    let args = match Args::parse(env::args().skip(1)) {
        Ok(args) => args,
        Err(why) => return fail(1, &why),
    };
    if args.light {
        process::be_light();
    }
    let options = match Options::new(&args) {
        Ok(options) => options,
        Err(why) => return fail(1, &why),
    };
    if options.daemon && !args.detached && process::parent_is_not_init() {
        return match process::detach() {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => fail(1, &format!("cannot detach: {why}")),
        };
    }
    if args.detached {
        process::leave_session();
    }
    let startup_failure = match options.profile.era() {
        Era::New => 127,
        Era::Old | Era::Mid => 1,
    };
    match serve(options) {
        Ok(code) => code,
        Err(why) => fail(startup_failure, &why),
    }
}

fn serve(options: Options) -> Result<ExitCode, String> {
    let options = Arc::new(options);
    let handled = shutdown::block(options.profile).map_err(|e| format!("cannot block signals: {e}"))?;
    let control = Arc::new(Control::new(options.control.clone())?);
    let (causes, shutdown_cause) = mpsc::channel();

    let jobs = Pool::start(options.threads);
    let page = Server::new(&options, Arc::clone(&jobs), Arc::new(Page::new(&options)))?;
    let admin = Server::new(
        &options,
        Pool::start(1),
        Arc::new(Admin::new(&options, &control, &page, causes.clone())),
    )?;
    let admin_doors = admin::doors(&options);

    if options.admin_first {
        admin.open("admin", &admin_doors)?;
    }
    thread::sleep(options.page_delay);
    page.open("page", &options.pages)?;
    if !options.admin_first {
        admin.open("admin", &admin_doors)?;
    }
    if options.control.is_some() {
        admin::watch(Arc::clone(&control), Arc::clone(&admin));
    }
    process::start_light(options.light_processes, &causes)
        .map_err(|e| format!("cannot start light processes: {e}"))?;
    process::write_pid(options.pid_file.as_deref());

    let shutdown = Arc::new(Shutdown::new(options, page, admin, jobs));
    shutdown.listen(handled, causes);
    let cause = shutdown_cause.recv().unwrap_or(Cause::Stop);
    Ok(shutdown.run(cause))
}

fn fail(code: u8, why: &str) -> ExitCode {
    log(why);
    ExitCode::from(code)
}

/// Writes a line to stderr, as HHVM's log does; a closed stderr must not end the process.
fn log(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "hhvm: {text}");
}

/// Locks even after a panic elsewhere: a stand-in that answers is more use to a test than one that does not.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
