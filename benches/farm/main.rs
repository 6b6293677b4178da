//! Drives the load generator against an address for so many seconds: ADDRESS SECONDS RATE…
#![allow(dead_code, unused_imports, clippy::unwrap_used, reason = "replaced by the farm")]
mod load;
mod plot;
mod report;
mod results;
use std::time::Duration;
fn main() -> std::io::Result<()> {
    let a: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let rate = |i: usize| a.get(i).and_then(|r| r.parse().ok()).unwrap_or(0.0);
    let class = |kind, i, path: &str, body: &str| load::Class {
        kind,
        per_second: rate(i),
        path: path.into(),
        body: body.into(),
    };
    let classes = [
        class(load::Kind::Plain, 2, "/page.php?ms=5", "worked 5 ms\n"),
        class(load::Kind::Slow, 3, "/page.php?ms=3000", "worked 3000 ms\n"),
        class(load::Kind::KeptAlive, 4, "/page.php?ms=5", "worked 5 ms\n"),
    ];
    let load = load::Load::start(
        a[0].parse().unwrap(),
        classes.into_iter().filter(|c| c.per_second > 0.0).collect(),
    )?;
    std::thread::sleep(Duration::from_secs_f64(rate(1)));
    let tally = load.stop();
    for c in &tally.classes {
        let l = &c.latencies;
        println!(
            "{:?} sent {} complete {} failed {} p50 {} p99 {} max {} us",
            c.kind,
            c.sent(),
            c.complete,
            c.failed,
            l.value_at_quantile(0.5),
            l.value_at_quantile(0.99),
            l.max()
        );
    }
    println!(
        "late p50 {} p99 {} max {} us",
        tally.late_starts.value_at_quantile(0.5),
        tally.late_starts.value_at_quantile(0.99),
        tally.late_starts.max()
    );
    let mut reasons = std::collections::BTreeMap::new();
    for f in &tally.failures {
        *reasons.entry(f.reason.to_string()).or_insert(0) += 1;
    }
    println!("{reasons:?} {:?}", tally.seconds.iter().map(|s| s.sent).collect::<Vec<_>>());
    let use_ = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF)?;
    println!("user {} system {} rss {} KiB", use_.user_time(), use_.system_time(), use_.max_rss());
    Ok(())
}
