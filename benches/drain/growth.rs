//! The tables of what a drain costs as something grows.

use crate::in_flight::{COUNTS, InFlight, LongDrains, MORE, PAIRS, STATUS_RUNS, Sample};
use crate::instances::{BUSY, Drains, Instances, ROUNDS, SPREAD};
use crate::stats::{Times, millis};
use crate::table::{Table, fine, mebibytes, ms, share};
use std::time::Duration;

/// A sample of the most connections that may count as zero, for which all descriptors are looked at.
const SAMPLE_MAX: Duration = Duration::from_millis(100);

pub fn instances(all: &[Instances]) -> Table {
    let counts = all.iter().map(|at| at.count.to_string());
    let mut table = Table::new(["instances that drain at once".to_owned()].into_iter().chain(counts));
    let mut medians = |figure: &str, of: fn(&Drains) -> &Times, show: fn(Duration) -> String| {
        table.row(&format!("{figure}, median"), all.iter().map(|at| show(of(&at.ours).median())));
        table.row("— of the script", all.iter().map(|at| show(of(&at.script).median())));
        table.row("— share of the script's", all.iter().map(|at| ratio(of, at)));
    };
    medians("CPU time of a drain", |drains| &drains.cpu, fine);
    medians("load zero to exit", |drains| &drains.overshoot, ms);
    medians("rename to exit", |drains| &drains.out, ms);
    let mut both = |figure: &str, show: fn(&Drains) -> String| {
        table.row(figure, all.iter().map(|at| show(&at.ours)));
        table.row("— of the script", all.iter().map(|at| show(&at.script)));
    };
    both("load zero to exit, p99", |drains| ms(drains.overshoot.percentile(99)));
    both("peak memory of one process", |drains| mebibytes(drains.peak));
    table
}

fn ratio(of: fn(&Drains) -> &Times, at: &Instances) -> String {
    share(of(&at.ours).median(), of(&at.script).median())
}

pub fn about_instances() -> String {
    let drains: Vec<String> = ROUNDS.iter().map(|(count, rounds)| (count * rounds).to_string()).collect();
    format!(
        "Each instance has its own stand-in, health file and state directory, and is drained over HTTP. All drains \
         start at the\nsame time. The load is 1, and becomes zero between {:.1} s and {:.1} s later, at a different \
         time for each instance. The same\nholds for the script.\n\n\
         - drains of each: {}; so p99 is the slowest drain, except in the last column\n\
         - CPU time: user and system time of the whole process tree\n\
         - exit: this includes the exit of the process that takes these measurements, one for each drain\n\
         - rename to exit: the part of the time out of rotation that the stop causes; during most of it the load is 1\n",
        BUSY.as_secs_f64(),
        (BUSY + SPREAD).as_secs_f64(),
        drains.join(", "),
    )
}

pub fn in_flight(all: &[InFlight], long: &LongDrains) -> Table {
    let mut table = Table::new(["requests in flight", "1", "100", "1,000", "10,000", "wanted", "met"]);
    for (figure, of) in SAMPLES.into_iter().take(2) {
        table.row(&format!("{figure}, CPU time of a sample"), cells(all, of, |sample| sample.cpu));
        table.row(&format!("{figure}, `status`"), cells(all, of, |sample| sample.status));
    }
    for (figure, of) in SAMPLES.into_iter().skip(2) {
        let mut judged = |what: &str, time: fn(&Sample) -> Duration| {
            let most = all.last().and_then(of).map(time);
            let met = most.is_some_and(|most| most <= SAMPLE_MAX);
            let wanted = format!("at most {:.0} ms with 10,000", millis(SAMPLE_MAX));
            table.judged(&format!("{figure}, {what}"), cells(all, of, time), &wanted, met);
        };
        judged("CPU time of a sample", |sample| sample.cpu);
        judged("`status`", |sample| sample.status);
    }
    table.row("30 s drain over HTTP, CPU time", long.http.iter().copied().map(fine));
    table.row("— of the script", long.script.iter().copied().map(fine));
    let pairs = long.http.iter().zip(&long.script);
    table.row("— share of the script's", pairs.map(|(&ours, &script)| share(ours, script)));
    let alone = long.sockets.as_ref().map_or_else(|_| NOT_MEASURED.to_owned(), |&cpu| fine(cpu));
    let blank = std::iter::repeat_n(String::new(), COUNTS.len() - 1);
    table.row("30 s drain by TCP connections, CPU time", blank.chain([alone]));
    table
}

type Of = fn(&InFlight) -> Option<&Sample>;

const SAMPLES: [(&str, Of); 4] = [
    ("HTTP", |at| Some(&at.http)),
    ("FastCGI", |at| Some(&at.fastcgi)),
    ("TCP connections", |at| at.tcp.as_ref().ok()),
    ("Unix connections", |at| at.unix.as_ref().ok()),
];

const NOT_MEASURED: &str = "not measured";

fn cells(all: &[InFlight], of: Of, time: fn(&Sample) -> Duration) -> Vec<String> {
    let cell = |at| of(at).map_or_else(|| NOT_MEASURED.to_owned(), |sample| fine(time(sample)));
    all.iter().map(cell).collect()
}

pub fn about_in_flight(all: &[InFlight], long: &LongDrains) -> String {
    let mut text = format!(
        "Over HTTP and FastCGI, the stand-in reports the number. The connections are real, to a process that stands for \
         HHVM. On half\nof them the request has been read, on the others it has not, and none is answered. Both ends are \
         on this host, so the\nkernel's list has twice as many entries.\n\n\
         - CPU time of a sample: that of a drain with {} samples, minus that of a drain with one, divided by {MORE}; \
         median of {PAIRS}\n  pairs. Over HTTP and FastCGI a sample is two requests, because the load may count as \
         zero\n\
         - `status`: from exec to exit of `hhvm-drain status`, which takes one sample; median of {STATUS_RUNS} runs. This \
         is an upper\n  bound for the time of a sample, because it includes the start of the program\n\
         - 30 s drain: one run each, all side by side; user and system time of the whole process tree\n",
        MORE + 1,
    );
    let sources = all.iter().flat_map(|at| [at.tcp.as_ref().err(), at.unix.as_ref().err()]);
    let mut reasons: Vec<&String> = sources.chain([long.sockets.as_ref().err()]).flatten().collect();
    reasons.dedup();
    text.extend(reasons.iter().map(|reason| format!("- not measured: {reason}\n")));
    text
}
