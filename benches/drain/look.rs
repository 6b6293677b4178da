//! What one look at a unit's sockets costs: many processes, each a copy of this program that holds descriptors.

use crate::Result;
use crate::table::{Table, fine};
use hhvm_drain::kernel::{Host, Looker, Scope, listeners, look};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The argument by which a copy knows itself.
pub const HOLD_SOCKETS: &str = "--hold-sockets";
/// Looks, of which the median counts.
const LOOKS: usize = 21;
/// What a process has besides: standard input, output and error.
const STDIO: u32 = 3;

/// A unit: its processes, and the descriptors of all of them.
#[derive(Clone, Copy)]
pub struct Size {
    pub processes: u32,
    pub descriptors: u32,
}

/// Processes of a large unit.
const MANY: u32 = 1_000;
/// A usual HHVM, and one that takes long to look at.
const SIZES: [Size; 2] =
    [Size { processes: 6, descriptors: 600 }, Size { processes: MANY, descriptors: 10_000 }];
const LISTENERS_MAX: Duration = Duration::from_millis(1);
const CONNECTIONS_MAX: Duration = Duration::from_millis(100);

/// CPU time of a look.
pub struct Look {
    pub size: Size,
    pub listeners: Duration,
    pub connections: Duration,
}

/// Measures units of [`SIZES`].
pub fn measure() -> Result<Vec<Look>> {
    SIZES.into_iter().map(of_unit).collect()
}

fn of_unit(size: Size) -> Result<Look> {
    let unit = Unit::start(size)?;
    let looker = Looker { pid: -1, program: None };
    let host = Host { proc: "/proc".into(), cgroups: "/sys/fs/cgroup".into(), looker };
    let soon = || Instant::now() + Duration::from_secs(10);
    let all = || -> Result<usize> {
        let seen = look(&unit.scope(), &host, soon()).map_err(|why| why.to_string())?;
        Ok(seen.processes.len())
    };
    let some = || -> Result<usize> {
        Ok(listeners(&unit.scope(), &host, soon()).map_err(|why| why.to_string())?.len())
    };
    if all()? != size.processes as usize || some()? != 1 {
        return Err(format!("a look sees {} processes and {} listeners", all()?, some()?).into());
    }
    Ok(Look { size, listeners: cpu(some)?, connections: cpu(all)? })
}

/// What the looks cost, and what they may.
pub fn table(looks: &[Look]) -> Table {
    let mut table = Table::new(["unit", "its listeners", "its connections", "wanted", "met"]);
    for Look { size, listeners, connections } in looks {
        let unit = format!("{} processes, {} descriptors", size.processes, size.descriptors);
        let (wanted, met) = match size.processes {
            MANY => ("connections: at most 100 ms", *connections <= CONNECTIONS_MAX),
            _ => ("listeners: at most 1 ms", *listeners <= LISTENERS_MAX),
        };
        table.judged(&unit, [fine(*listeners), fine(*connections)], wanted, met);
    }
    table
}

pub fn about() -> String {
    format!(
        "CPU time of one look at real processes in a cgroup, of which the first listens. \"Its listeners\" is what is \
         asked before a\nzero of the admin port is believed, and to see whether HHVM serves; \"its connections\" is a \
         count of connections that may be\nzero. Median of {LOOKS} looks.\n"
    )
}

/// The median of the CPU times of this thread and of those that it starts.
fn cpu(look: impl Fn() -> Result<usize>) -> Result<Duration> {
    let used = || -> Result<i64> {
        let used = getrusage(UsageWho::RUSAGE_SELF)?;
        Ok(used.user_time().num_microseconds() + used.system_time().num_microseconds())
    };
    let one = |_| {
        let before = used()?;
        look()?;
        Ok(Duration::from_micros(u64::try_from(used()? - before)?))
    };
    let mut times = (0..LOOKS).map(one).collect::<Result<Vec<_>>>()?;
    times.sort();
    Ok(times[LOOKS / 2])
}

/// Processes in a cgroup of their own.
struct Unit {
    processes: Vec<Child>,
    cgroup: PathBuf,
    name: String,
}

impl Unit {
    fn start(size: Size) -> Result<Self> {
        let name = format!("hhvm-drain-bench-{}", std::process::id());
        let mounts = ["systemd", "", "unified"].map(|hierarchy| Path::new("/sys/fs/cgroup").join(hierarchy));
        let mount = mounts.iter().find(|mount| mount.join("cgroup.procs").exists()).ok_or("no cgroups")?;
        let cgroup = mount.join(&name);
        fs::create_dir(&cgroup).map_err(|why| format!("{} cannot be made: {why}", cgroup.display()))?;
        let mut unit = Self { processes: Vec::new(), cgroup, name };
        for index in 0..size.processes {
            let holds = size.descriptors / size.processes - STDIO;
            let mut holder = Command::new(std::env::current_exe()?);
            holder.args([HOLD_SOCKETS, &holds.to_string(), if index == 0 { "listen" } else { "" }]);
            let mut holder = holder.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
            holder.stdout.take().ok_or("no output")?.read_exact(&mut [0])?;
            fs::write(unit.cgroup.join("cgroup.procs"), holder.id().to_string())?;
            unit.processes.push(holder);
        }
        Ok(unit)
    }

    fn scope(&self) -> Scope {
        Scope { cgroup: Some(format!("/{}", self.name)), main: None }
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = fs::remove_dir(&self.cgroup);
    }
}

/// What a copy does: holds so many sockets, the first of which may listen, until it is killed.
pub fn hold(arguments: &[String]) -> Result<()> {
    let count: usize = arguments.first().ok_or("hold how many?")?.parse()?;
    let listens = arguments.get(1).is_some_and(|word| word == "listen");
    let listener = if listens { Some(TcpListener::bind("127.0.0.1:0")?) } else { None };
    let sockets = count - usize::from(listens);
    let pairs = (0..sockets / 2).map(|_| UnixStream::pair()).collect::<std::io::Result<Vec<_>>>()?;
    let odd = if sockets % 2 == 1 { Some(fs::File::open("/dev/null")?) } else { None };
    println!("holding");
    loop {
        std::thread::park();
        let _ = (&listener, &pairs, &odd);
    }
}
