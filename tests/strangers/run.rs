//! Visits many hosts, several at once, and tells of those that broke a promise.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::draw::Draw;
use crate::invariants::INVARIANTS;
use crate::shrink::smallest;
use crate::visit::visit;

/// What is to be done.
pub struct Plan {
    /// The hosts.
    pub draws: Vec<Draw>,
    /// Whether draws that fail are left as they are.
    pub keep_large: bool,
    /// How many hosts run at the same time.
    pub at_once: usize,
}

/// What came of a host.
pub enum Verdict {
    /// All promises were kept; whether `check` was green.
    Held { green: bool },
    /// The first promise that was not.
    Violated { promise: &'static str, why: String },
    /// The host could not be made: the generator's fault.
    Broken(String),
}

/// The promise of a unit that does not even start.
const STARTS: &str = "the_package_keeps_no_unit_from_starting";

/// Visits the host of a draw.
pub fn judge(draw: &Draw) -> Verdict {
    draw.release.debian().make_current();
    match catch_unwind(AssertUnwindSafe(|| visit(draw))) {
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Verdict::Broken(text.unwrap_or_default())
        }
        Ok(Err(why)) => Verdict::Violated { promise: STARTS, why },
        Ok(Ok(story)) => {
            let broken =
                INVARIANTS.iter().find_map(|(promise, holds)| Some((*promise, holds(&story).err()?)));
            match broken {
                Some((promise, why)) => Verdict::Violated { promise, why },
                None => Verdict::Held { green: story.idle.check.code == Some(0) },
            }
        }
    }
}

/// Visits all of them.
pub fn run(plan: &Plan) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..plan.at_once {
            scope.spawn(|| {
                while let Some(draw) = plan.draws.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begin = Instant::now();
                    let verdict = judge(draw);
                    let took = begin.elapsed().as_secs();
                    tell(draw, &verdict, took, plan.keep_large);
                    verdicts.lock().expect("the verdicts").push(verdict);
                }
            });
        }
    });
    verdicts.into_inner().expect("the verdicts")
}

fn tell(draw: &Draw, verdict: &Verdict, took: u64, keep_large: bool) {
    match verdict {
        Verdict::Held { green } => {
            println!("kept      {took:3} s  {}  {draw}", if *green { "green" } else { "red  " });
        }
        Verdict::Broken(why) => println!("NOT MADE  {took:3} s  {draw}\n  {}", why.replace('\n', "\n  ")),
        Verdict::Violated { promise, why } => {
            println!("VIOLATED  {took:3} s  {promise}  {draw}\n  {}", why.trim_end().replace('\n', "\n  "));
            if keep_large {
                return;
            }
            let fails = |draw: &Draw| matches!(judge(draw), Verdict::Violated { promise: other, .. } if other == *promise);
            let smallest = smallest(draw, fails);
            println!("SMALLEST  {promise}\n  a line for tests/strangers/seeds.txt:\n{smallest}");
        }
    }
}
