//! A host: its disk, its units, what an operator wants; and the calls to the disk, at each of which a command may end.

use crate::events::Event;
use crate::pool::{Copy, FileId, Record, Written};
use crate::scenes::Scene;
use rustix::io::Errno;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

pub const THIS_BOOT: &str = "this";
const EARLIER_BOOT: &str = "past";
/// The name by way of which a copy is put back.
pub const OWN: &str = ".status.php.hhvm-drain";
pub const RUNTIME: &str = "/run/hhvm-drain";

/// The best that a file system offers for a rename that does not replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    RenameUnlessTaken,
    HardLink,
    Placeholder,
    /// None keeps its word: shows that the search finds what is lost.
    Overwrites,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct File {
    pub inode: u64,
    /// Which bytes it holds, and when they were written.
    pub content: u8,
    /// When it got its name.
    pub changed: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Node {
    File(File),
    Placeholder,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Folder {
    pub inode: u64,
    pub device: u64,
    names: BTreeMap<OsString, Node>,
}

/// What survives a command.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Disk {
    pub way: Way,
    pub folders: Vec<Folder>,
    /// Where paths of directories lead to: the real path, and which of `folders`.
    pub paths: BTreeMap<PathBuf, (PathBuf, usize)>,
    /// The files of the program.
    pub state: BTreeMap<PathBuf, Vec<u8>>,
    /// Those that are not on the disk yet.
    pub unsynced: BTreeMap<PathBuf, Unsynced>,
    /// All that deploys and people have put there, and not taken away again.
    pub contents: BTreeSet<u8>,
    /// Those that no hook may put in place.
    pub baits: BTreeSet<u8>,
    pub now: u32,
}

/// A name that a power cut may give back to what had it before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unsynced {
    pub before: Option<Vec<u8>>,
    pub bytes: Vec<u8>,
    /// The name may come to the disk before the bytes do.
    pub may_be_empty: bool,
}

/// What a unit does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It serves.
    Serves,
    /// Its `stop` goes on, and watches these health files.
    Drains(Vec<PathBuf>),
    /// HHVM has ended.
    Ended,
    /// It is stopped.
    Stopped,
    /// HHVM has been started.
    Started,
}

/// Who wants the node out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wish {
    /// Nobody but drains.
    Nobody,
    /// An operator who has said so.
    Operator,
    /// A person who has moved the health file away.
    Hand,
    /// It cannot be told: a command was cut short, or people contradict each other.
    Unclear,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Host {
    pub disk: Disk,
    pub phases: Vec<Phase>,
    pub wish: Wish,
    /// So often the file system may still be mounted or unmounted.
    pub mounts_left: u8,
}

/// A file system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Looks,
    Changes,
}

/// What comes before a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// SIGKILL.
    Killed,
    /// No power any more; and whether a file that is not on the disk yet is the old one then, or an empty one.
    PowerCut { empty: bool },
    /// The call fails.
    Fails,
    /// Something else happens on the host.
    Meanwhile(Event),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End<T> {
    Whole(T),
    Killed,
    PowerCut,
}

struct Cut(End<()>);

struct Machine {
    host: Host,
    scene: &'static Scene,
    calls: Vec<Kind>,
    interruption: Option<(usize, Interruption)>,
}

thread_local! {
    static MACHINE: RefCell<Option<Machine>> = const { RefCell::new(None) };
}

/// Runs a command on the host, interrupted before the call of that number. Which calls it made, and how it ended.
pub fn run<T>(
    host: &mut Host,
    scene: &'static Scene,
    interruption: Option<(usize, Interruption)>,
    command: impl FnOnce() -> T,
) -> (Vec<Kind>, End<T>) {
    let machine = Machine { host: host.clone(), scene, calls: Vec::new(), interruption };
    MACHINE.set(Some(machine));
    let result = catch_unwind(AssertUnwindSafe(command));
    let Some(mut machine) = MACHINE.take() else { unreachable!("it was set above") };
    let mut end = match result {
        Ok(value) => End::Whole(value),
        Err(panic) => match panic.downcast::<Cut>().map(|cut| cut.0) {
            Ok(End::PowerCut) => End::PowerCut,
            Ok(_) => End::Killed,
            Err(panic) => resume_unwind(panic),
        },
    };
    // After the last call.
    if let Some((at, Interruption::PowerCut { empty })) = machine.interruption
        && at == machine.calls.len()
    {
        machine.host.disk.lose_unsynced(empty);
        end = End::PowerCut;
    }
    *host = machine.host;
    (machine.calls, end)
}

/// Looks at the host, from within a command.
pub fn with<T>(look: impl FnOnce(&Host) -> T) -> T {
    MACHINE.with_borrow(|machine| match machine {
        Some(machine) => look(&machine.host),
        None => unreachable!("no command runs"),
    })
}

/// A call of the command to the disk.
pub fn call<T>(kind: Kind, act: impl FnOnce(&mut Disk) -> Result<T, Errno>) -> Result<T, Errno> {
    let done = MACHINE.with_borrow_mut(|machine| {
        let Some(machine) = machine else { unreachable!("no command runs") };
        let number = machine.calls.len();
        machine.calls.push(kind);
        match machine.interruption.filter(|(at, _)| *at == number).map(|(_, what)| what) {
            Some(Interruption::Killed) => return Err(Cut(End::Killed)),
            Some(Interruption::PowerCut { empty }) => {
                machine.host.disk.lose_unsynced(empty);
                return Err(Cut(End::PowerCut));
            }
            Some(Interruption::Fails) => return Ok(Err(Errno::IO)),
            Some(Interruption::Meanwhile(event)) => {
                event.happen(&mut machine.host, machine.scene);
                // Both at the same moment: whose it is nobody can tell.
                if machine.host.wish == Wish::Hand {
                    machine.host.wish = Wish::Unclear;
                }
            }
            None => {}
        }
        Ok(act(&mut machine.host.disk))
    });
    // Not a panic: a killed process runs no hook for one.
    done.unwrap_or_else(|cut| resume_unwind(Box::new(cut)))
}

/// A time as a record has it.
pub fn written(time: u32) -> String {
    format!("1970-01-01T00:{:02}:{:02}Z", time / 60, time % 60)
}

impl File {
    pub fn id(self, device: u64) -> FileId {
        let written = Written { size: 1, seconds: self.content.into(), nanoseconds: 0 };
        FileId { device, inode: self.inode, written: Some(written) }
    }
}

impl Node {
    pub fn changed_at(self, now: u32) -> Self {
        match self {
            Self::File(file) => Self::File(File { changed: now, ..file }),
            Self::Placeholder => Self::Placeholder,
        }
    }
}

impl Folder {
    pub fn new(inode: u64, device: u64) -> Self {
        Self { inode, device, names: BTreeMap::new() }
    }

    pub fn get(&self, name: &OsStr) -> Option<Node> {
        self.names.get(name).copied()
    }

    pub fn put(&mut self, name: &OsStr, node: Node) {
        self.names.insert(name.to_owned(), node);
    }

    pub fn take(&mut self, name: &OsStr) -> Result<Node, Errno> {
        self.names.remove(name).ok_or(Errno::NOENT)
    }

    pub fn rename(&mut self, from: &OsStr, to: &OsStr, now: u32) -> Result<(), Errno> {
        let node = self.take(from)?;
        self.put(to, node.changed_at(now));
        Ok(())
    }

    pub fn names(&self) -> impl Iterator<Item = (&OsStr, Node)> {
        self.names.iter().map(|(name, node)| (name.as_os_str(), *node))
    }

    pub fn files(&self) -> impl Iterator<Item = (&OsStr, File)> {
        self.names().filter_map(|(name, node)| match node {
            Node::File(file) => Some((name, file)),
            Node::Placeholder => None,
        })
    }
}

impl Disk {
    pub fn folder(&mut self, path: &Path) -> Option<&mut Folder> {
        let (_, at) = self.paths.get(path)?;
        self.folders.get_mut(*at)
    }

    /// All records that are in force, of whatever unit: the one in memory is newer.
    pub fn records(&self) -> Vec<(&Path, Record)> {
        let is_in_memory = |name: &OsStr| self.state.contains_key(&Path::new(RUNTIME).join(name));
        let is_in_force = |path: &Path| {
            let name = path.file_name().unwrap_or_default();
            path.extension() == Some(OsStr::new("json")) && (path.starts_with(RUNTIME) || !is_in_memory(name))
        };
        let files = self.state.iter().filter(|(path, _)| is_in_force(path));
        files
            .filter_map(|(path, bytes)| Some((path.as_path(), serde_json::from_slice(bytes).ok()?)))
            .collect()
    }

    /// Whether a file has that number and that name.
    pub fn is_at(&self, inode: u64, name: &OsStr) -> bool {
        self.all_files().any(|(other, file)| other == name && file.inode == inode)
    }

    pub fn copies(&self) -> Vec<Copy> {
        let copies = self.state.iter().filter(|(path, _)| path.extension() == Some(OsStr::new("copies")));
        copies.filter_map(|(_, bytes)| serde_json::from_slice::<Vec<Copy>>(bytes).ok()).flatten().collect()
    }

    fn all_files(&self) -> impl Iterator<Item = (&OsStr, File)> {
        self.folders.iter().flat_map(Folder::files)
    }

    /// What files and records know, by inode and content.
    fn known(&self) -> Vec<(u64, u8)> {
        let here = self.all_files().map(|(_, file)| (file.inode, file.content));
        let folders = self.folders.iter().map(|folder| (folder.inode, 0));
        let id = |id: FileId| {
            (id.inode, id.written.and_then(|written| u8::try_from(written.seconds).ok()).unwrap_or(0))
        };
        let records = self.records();
        let parked = records.iter().flat_map(|(_, record)| &record.parked);
        let recorded = parked.flat_map(|parked| parked.directory.into_iter().chain([parked.file])).map(id);
        let copied = self.copies().into_iter().map(|copy| (copy.file.inode, copy.content));
        here.chain(folders).chain(recorded).chain(copied).collect()
    }

    /// The lowest inode that nothing knows.
    pub fn free_inode(&self) -> u64 {
        let known = self.known();
        let is_free = |inode: &u64| known.iter().all(|(other, _)| other != inode);
        (1..u64::MAX).find(is_free).unwrap_or(u64::MAX)
    }

    /// A file that never was, if there may be one more.
    pub fn new_file(&self, most: usize) -> Option<File> {
        let known = self.known();
        let is_free = |content: &u8| known.iter().all(|(_, other)| other != content);
        if self.all_files().count() >= most {
            return None;
        }
        Some(File { inode: self.free_inode(), content: (1..=u8::MAX).find(is_free)?, changed: self.now })
    }

    fn lose_unsynced(&mut self, empty: bool) {
        for (path, unsynced) in std::mem::take(&mut self.unsynced) {
            match unsynced.before {
                _ if empty && unsynced.may_be_empty => {
                    self.state.insert(path, Vec::new());
                }
                Some(before) => {
                    self.state.insert(path, before);
                }
                None => {
                    self.state.remove(&path);
                }
            }
        }
    }

    /// All contents that there are, but for a copy that is on its way.
    pub fn found(&self) -> BTreeSet<u8> {
        self.all_files().filter(|(name, _)| *name != OWN).map(|(_, file)| file.content).collect()
    }
}

impl Host {
    pub fn is_draining(&self, unit: &OsStr) -> bool {
        let number = unit.to_str().and_then(|name| name.strip_prefix("hhvm@")?.strip_suffix(".service"));
        let phase = number.and_then(|number| self.phases.get(number.parse::<usize>().ok()?));
        matches!(phase, Some(Phase::Drains(_)))
    }

    /// The machine is off and on again: the hooks of a stop have not run.
    pub fn boot(&mut self, renumber: bool) {
        self.phases.fill(Phase::Stopped);
        let in_memory = |path: &Path| path.starts_with(RUNTIME);
        if self.disk.state.iter().any(|(path, bytes)| in_memory(path) && !bytes.is_empty()) {
            self.wish = Wish::Unclear;
        }
        self.disk.state.retain(|path, _| !in_memory(path));
        for bytes in self.disk.state.values_mut() {
            replace(bytes, &boot(THIS_BOOT), &boot(EARLIER_BOOT));
        }
        for folder in &mut self.disk.folders {
            folder.device ^= u64::from(renumber);
        }
    }

    /// Makes hosts equal that no command can tell apart.
    pub fn settle_times(&mut self) {
        self.disk.unsynced.clear();
        // A copy that was put back is to stay, too.
        self.disk.contents = self.disk.found();
        self.disk.baits = &self.disk.baits & &self.disk.contents;
        let health = OsStr::new(crate::events::NAME);
        let mut times = BTreeSet::new();
        for folder in &mut self.disk.folders {
            for (name, node) in &mut folder.names {
                if let Node::File(file) = node {
                    if name == health {
                        times.insert(file.changed);
                    } else {
                        file.changed = 0;
                    }
                }
            }
        }
        let since = |bytes: &[u8]| time_of(bytes);
        times.extend(self.disk.state.values().filter_map(|bytes| since(bytes)));
        let times: Vec<u32> = times.into_iter().collect();
        let rank = |time: u32| times.binary_search(&time).map_or(0, |at| u32::try_from(at).unwrap_or(0) + 1);
        for node in self.disk.folders.iter_mut().flat_map(|folder| folder.names.values_mut()) {
            if let Node::File(file) = node {
                file.changed = rank(file.changed);
            }
        }
        for bytes in self.disk.state.values_mut() {
            if let Some(time) = time_of(bytes) {
                replace(bytes, &written(time), &written(rank(time)));
            }
        }
        self.disk.now = u32::try_from(times.len()).unwrap_or(u32::MAX) + 1;
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Disk { folders, paths, state, contents, .. } = &self.disk;
        writeln!(f, "{:?}, who wants it out: {:?}, contents {contents:?}", self.phases, self.wish)?;
        for (path, (real, at)) in paths {
            writeln!(f, "  {} is {} (folder {at})", path.display(), real.display())?;
        }
        for (at, folder) in folders.iter().enumerate() {
            writeln!(f, "  folder {at} ({}:{}):", folder.device, folder.inode)?;
            for (name, node) in folder.names() {
                writeln!(f, "    {} {node:?}", name.display())?;
            }
        }
        for (path, bytes) in state {
            let text: String = String::from_utf8_lossy(bytes).split_whitespace().collect();
            writeln!(f, "  {}: {text}", path.display())?;
        }
        Ok(())
    }
}

fn boot(name: &str) -> String {
    format!("\"boot_id\": \"{name}\"")
}

fn time_of(bytes: &[u8]) -> Option<u32> {
    const BEGIN: &str = "\"at\": \"1970-01-01T00:";
    let text = std::str::from_utf8(bytes).ok()?;
    let time = text.split_once(BEGIN)?.1;
    Some(time.get(..2)?.parse::<u32>().ok()? * 60 + time.get(3..5)?.parse::<u32>().ok()?)
}

/// Both are of the same length.
fn replace(bytes: &mut [u8], from: &str, to: &str) {
    if let Some(at) = bytes.windows(from.len()).position(|window| window == from.as_bytes()) {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
}
