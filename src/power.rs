//! What this program may do: as root, no more than it uses, and none of it can be had back.
//!
//! A step that the kernel refuses has been taken by somebody else already (`CapabilityBoundingSet=`), or leaves as much
//! power as there was. Neither holds up a drain.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{
    CapabilitySet, capabilities, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs,
};

/// What a run of the program still has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Renames files, and those in directories whose sticky bit keeps them for their owners; connects to sockets of others.
    Move,
    /// Makes a deleted file anew, as its owner had it.
    MakeAnew,
    /// Sees the descriptors, the environment and the root directory of other processes.
    See,
    /// Opens files with the rights of HHVM's user; lets commands become another user.
    ActAsUser,
    /// Enters the network name spaces of other processes.
    EnterNetworks,
    /// Stops HHVM where systemd does not know it, and commands that run as another user.
    Signal,
}

impl Task {
    /// The capabilities that it takes (capabilities(7)).
    fn capabilities(self) -> CapabilitySet {
        match self {
            Self::Move => CapabilitySet::DAC_OVERRIDE | CapabilitySet::FOWNER,
            Self::MakeAnew => CapabilitySet::CHOWN,
            Self::See => CapabilitySet::SYS_PTRACE,
            Self::ActAsUser => CapabilitySet::SETUID | CapabilitySet::SETGID,
            Self::EnterNetworks => CapabilitySet::SYS_ADMIN,
            Self::Signal => CapabilitySet::KILL,
        }
    }
}

/// Takes from this process what `tasks` do not need; call it before any thread is started. From then on no program that it
/// runs gets more, nobody else of its user may trace it, and no dump of its memory is left, in which passwords are.
pub fn begin(tasks: &[Task]) {
    let needed = needed(tasks);
    let _ = set_no_new_privs(true);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = clear_ambient_capability_set();
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        if needed.contains(capability) {
            continue;
        }
        // Either this program may not take any away, or the kernel knows no further one.
        if remove_capability_from_bounding_set(capability).is_err() {
            break;
        }
    }
    reduce(needed);
    hide();
}

/// Takes from this thread, and from those that it starts, what `tasks` do not need.
pub fn keep(tasks: &[Task]) {
    reduce(needed(tasks));
}

/// Keeps others from tracing this program. Whenever it takes on another user's rights, the kernel sets this anew
/// (`fs.suid_dumpable`, proc(5)).
pub fn hide() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

fn needed(tasks: &[Task]) -> CapabilitySet {
    tasks.iter().fold(CapabilitySet::empty(), |all, task| all | task.capabilities())
}

fn reduce(needed: CapabilitySet) {
    if let Ok(mut sets) = capabilities(None) {
        sets.permitted &= needed;
        sets.effective &= needed;
        sets.inheritable = CapabilitySet::empty();
        let _ = set_capabilities(None, sets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_gone_for_the_thread_and_those_it_starts() {
        let work = std::thread::spawn(|| {
            keep(&[Task::See]);
            keep(&[Task::See, Task::Signal]);
            std::thread::spawn(|| capabilities(None).unwrap()).join().unwrap()
        });
        let sets = work.join().unwrap();
        let before = capabilities(None).unwrap();
        assert_eq!(sets.permitted, before.permitted & CapabilitySet::SYS_PTRACE);
        assert_eq!(sets.effective, before.effective & CapabilitySet::SYS_PTRACE);
        assert_eq!(sets.inheritable, CapabilitySet::empty());
    }
}
