//! CPU time and memory of a whole process tree: a copy of this program runs the command as its only child, and
//! reads from the kernel what its children have used (`getrusage(2)`), as `wait4(2)` would say.

use crate::Result;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The argument by which the copy knows itself.
pub const METER: &str = "--meter";

/// What a command has used.
#[derive(Clone, Copy)]
pub struct Usage {
    /// User and system.
    pub cpu: Duration,
    /// Largest resident set of one process.
    pub rss: u64,
}

/// A command that is being measured.
pub struct Metered(Child);

impl Metered {
    /// Starts `command`, whose output goes to `output`.
    pub fn start(command: &Command, output: &Path) -> Result<Self> {
        let mut meter = Command::new(std::env::current_exe()?);
        meter.arg(METER).arg(command.get_program()).args(command.get_args()).env_clear();
        meter.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        meter.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(fs::File::create(output)?);
        Ok(Self(meter.spawn()?))
    }

    /// Waits for its end.
    pub fn finish(self) -> Result<Usage> {
        let output = self.0.wait_with_output()?;
        let text = String::from_utf8(output.stdout)?;
        let numbers: Vec<u64> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
        match numbers[..] {
            [micros, rss] if output.status.success() => Ok(Usage { cpu: Duration::from_micros(micros), rss }),
            _ => Err(format!("the meter says \"{}\", and ends with {}", text.trim(), output.status).into()),
        }
    }
}

/// What the copy does.
pub fn run(command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().ok_or("nothing to measure")?;
    let status = Command::new(program).args(arguments).stdout(std::io::stderr()).status()?;
    if !status.success() {
        return Err(format!("{program} ends with {status}").into());
    }
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = |time: TimeVal| time.num_microseconds();
    let (cpu, rss) = (micros(used.user_time()) + micros(used.system_time()), used.max_rss() * 1024);
    // A child starts as a copy of its parent, whose memory the kernel counts as the child's own.
    let own = own_peak()?;
    if u64::try_from(rss)? <= own {
        return Err(format!("cannot measure {rss} bytes: the meter itself has {own}").into());
    }
    println!("{cpu} {rss}");
    Ok(())
}

fn own_peak() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|rest| rest.split_whitespace().next()).ok_or("no VmHWM")?;
    Ok(kilobytes.parse::<u64>()? * 1024)
}
