//! Works off one case: learns its points from runs that nobody hurts, then hurts each.

use crate::cases::{BOOT, Case};
use crate::errnos;
use crate::history::{History, Rules};
use crate::host::Host;
use crate::house::{self, Cgroup};
use crate::invariants::{Story, at_the_boot, in_the_end, meanwhile};
use crate::outcome::{End, Step};
use crate::point::{Fault, Point};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Instant;

/// A point may be missed when a thread is late; so often it is tried again.
const TRIES: usize = 4;
/// Of the calls that change nothing, a sample lets one of so many fail.
const SAMPLE: usize = 4;
/// More than this would say the same again.
const BROKEN_MAX: usize = 200;

/// How much is tried.
#[derive(Debug, Clone, PartialEq)]
pub enum Scope {
    /// Each crash point, and at each one error of the call.
    Sample,
    /// Each crash point, and each error of each call.
    All,
    /// One point.
    At(Point, Fault),
}

/// What came of a case.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Figures {
    pub name: String,
    /// System calls of a run.
    pub points: usize,
    pub killed: usize,
    pub failed: usize,
    /// Points that a run did not come to, however often it was tried.
    pub missed: usize,
    /// The longest run with a fault, in milliseconds.
    pub longest: u128,
    /// Different disks that a power cut may leave, by the rules of each file system; and all of them, without those that
    /// are the same.
    pub cuts: [usize; 3],
    pub booted: usize,
    pub seconds: u64,
    pub broken: Vec<String>,
}

impl Figures {
    /// Notes a broken promise, and tells of it at once: all of a case can take an hour.
    fn found(&mut self, what: String) {
        eprintln!("{what}");
        self.broken.push(what);
    }
}

/// Tries the case.
pub fn work(case: Case, scope: &Scope, cgroup: Cgroup) -> Figures {
    let begun = Instant::now();
    let mut host = Host::new(case, cgroup);
    let mut figures = Figures { name: case.name.to_owned(), ..Figures::default() };
    let steps = learn(&mut host, &mut figures);
    figures.points = steps.len();
    if !matches!(scope, Scope::At(..)) && case.keeps_what_is_synced() {
        cut_the_power(&mut host, &mut figures);
    }
    for (at, step) in steps.iter().enumerate() {
        for fault in faults(&case, step, at, scope) {
            if figures.broken.len() < BROKEN_MAX {
                hurt(&mut host, &step.point, fault, &mut figures);
            }
        }
    }
    if matches!(scope, Scope::At(..)) && figures.killed + figures.failed == 0 {
        figures.found(format!("{}: there is no such point", case.name));
    }
    figures.seconds = begun.elapsed().as_secs();
    figures
}

/// Boots the host from each disk that a power cut may leave.
fn cut_the_power(host: &mut Host, figures: &mut Figures) {
    host.prepare();
    let history = History::of(host);
    figures.cuts = Rules::ALL.map(|rules| history.disks(rules).len());
    let mut disks: BTreeSet<_> = BTreeSet::new();
    for rules in Rules::ALL {
        disks.extend(history.disks(rules));
    }
    figures.booted = disks.len();
    for left in disks {
        host.prepare();
        left.disk.restore(host);
        let held = at_the_boot(host).and_then(|seen| {
            let story = Story { fault: None, is_done: left.is_done, seen };
            in_the_end(host, &story, BOOT)
        });
        Host::boot(house::FIRST_BOOT);
        if let Err(why) = held {
            figures.found(format!("power cut in {}: {why}\n{}", host.case.name, left.disk));
        }
    }
}

/// The calls of two runs without a fault, in order.
fn learn(host: &mut Host, figures: &mut Figures) -> Vec<Step> {
    let (mut steps, mut known) = (Vec::new(), BTreeSet::new());
    for _ in 0..2 {
        host.prepare();
        let (traced, stderr) = host.hurt(None);
        let held = meanwhile(host, None, &traced, &stderr).and_then(|seen| {
            let story = Story { fault: None, is_done: traced.end == End::Exited(0), seen };
            in_the_end(host, &story, host.case.hooks)
        });
        if let Err(why) = held {
            figures.found(format!("{}: without a fault: {why}", host.case.name));
        }
        steps.extend(traced.steps.into_iter().filter(|step| known.insert(step.point.clone())));
    }
    steps
}

fn faults(case: &Case, step: &Step, at: usize, scope: &Scope) -> Vec<Fault> {
    let point = &step.point;
    let call = errnos::named(point.call).unwrap();
    let done = call.late.iter().map(|errno| Fault::FailsDone(*errno));
    let fails: Vec<_> = call.errnos.iter().map(|errno| Fault::Fails(*errno)).chain(done).collect();
    match scope {
        Scope::All => {
            let lasting = call.errnos.iter().filter(|errno| errnos::lasts(call, **errno));
            let for_good = lasting.map(|errno| Fault::FailsForGood(*errno));
            let for_good = for_good.filter(|_| point.nth == 1 || step.changes);
            [Fault::Kill].into_iter().chain(fails).chain(for_good).collect()
        }
        // On a host of another kind: between two changes there is nothing new to find.
        Scope::Sample if !step.changes && !case.is_plain() => Vec::new(),
        Scope::Sample => {
            let is_tried = step.changes || at.is_multiple_of(SAMPLE);
            let one = fails.get(at % fails.len().max(1)).filter(|_| is_tried);
            [Fault::Kill].into_iter().chain(one.copied()).collect()
        }
        Scope::At(wanted, fault) => (wanted == point).then_some(*fault).into_iter().collect(),
    }
}

fn hurt(host: &mut Host, point: &Point, fault: Fault, figures: &mut Figures) {
    let name = host.case.name;
    for _ in 0..TRIES {
        host.prepare();
        let (traced, stderr) = host.hurt(Some((point, fault)));
        let hurt = Some((point, fault));
        let held = meanwhile(host, hurt, &traced, &stderr).and_then(|seen| {
            let story = Story { fault: hurt, is_done: traced.end == End::Exited(0), seen };
            in_the_end(host, &story, host.case.hooks)
        });
        figures.longest = figures.longest.max(traced.took.as_millis());
        if let Err(why) = held {
            figures.found(format!("FAULT=\"{point} {fault}\" of {name}: {why}"));
        }
        if traced.was_met {
            *if fault == Fault::Kill { &mut figures.killed } else { &mut figures.failed } += 1;
            return;
        }
    }
    figures.missed += 1;
    if !depends_on_time(point) {
        figures.found(format!("FAULT=\"{point} {fault}\" of {name}: no run came to it"));
    }
}

/// Whether a thread may make the call in one run and not in another: waits for other threads, memory that the allocator
/// takes for a thread or gives back, the end of a thread in the last moment of the program; and a look at a descriptor of
/// HHVM's that is about to be closed.
fn depends_on_time(point: &Point) -> bool {
    if point.call == "readlinkat" && point.thread != "main" {
        return true;
    }
    [
        "brk",
        "clock_nanosleep",
        "exit",
        "futex",
        "madvise",
        "mmap",
        "mprotect",
        "munmap",
        "poll",
        "rt_sigprocmask",
        "sched_yield",
        "sigaltstack",
        "wait4",
        "waitid",
    ]
    .contains(&point.call)
}
