//! What the textfile collector of `node_exporter` is given: how all units of this host stand, in Prometheus's text format 0.0.4.
//!
//! Format and names: <https://prometheus.io/docs/instrumenting/exposition_formats/> and <https://prometheus.io/docs/practices/naming/>.
//! No timestamps, because the collector refuses a file with any.

use super::finding::{Finding, good, warning};
use crate::context::Context;
use crate::outcome::Outcome;
use crate::pool::{By, Checked, Membership, PHASES, PastDrain, Phase, Published, Store};
use crate::problem::Severity;
use crate::settings::Settings;
use std::fmt::Write;
use std::io;

/// What is measured: a name, and what it means. The order is that of the file.
struct Family {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    samples: fn(&Published) -> Vec<(Labels, f64)>,
}

#[derive(Clone, Copy)]
enum Kind {
    Gauge,
    Counter,
}

/// Labels besides that of the unit.
type Labels = Vec<(&'static str, String)>;

/// All of them; `tests/docs/metrics.rs` compares the manual, the dashboard and the alerts with this.
const FAMILIES: &[Family] = &[
    Family {
        name: "hhvm_drain_pooled",
        kind: Kind::Gauge,
        help: "Whether hhvm-drain has left the node in its pool (1) or taken it out (0).",
        samples: |state| match state.membership {
            Membership::In => plain(1.0),
            Membership::Out { .. } => plain(0.0),
            Membership::Unknown => Vec::new(),
        },
    },
    Family {
        name: "hhvm_drain_out_since_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When the node was taken out, by a drain or an operator; absent while it is in its pool.",
        samples: |state| match &state.membership {
            Membership::Out { by, since, .. } => {
                let by = match by {
                    By::Drain => "drain",
                    By::Operator => "operator",
                };
                seconds(&since.at).map(|at| (vec![("by", by.to_owned())], at)).into_iter().collect()
            }
            Membership::In | Membership::Unknown => Vec::new(),
        },
    },
    Family {
        name: "hhvm_drain_draining",
        kind: Kind::Gauge,
        help: "Whether a drain went on when this was written.",
        samples: |state| {
            let drains = state.activity.as_ref().is_some_and(|activity| activity.phase == Phase::Draining);
            plain(f64::from(u8::from(drains)))
        },
    },
    Family {
        name: "hhvm_drain_drains_total",
        kind: Kind::Counter,
        help: "Drains that have ended, by outcome.",
        samples: |state| {
            let totals = state.last_drain.as_ref().map(PastDrain::totals).unwrap_or_default();
            let count = |outcome: Outcome| {
                (vec![("outcome", outcome.name().to_owned())], number(totals.ended(&outcome)))
            };
            Outcome::ALL.into_iter().map(count).collect()
        },
    },
    Family {
        name: "hhvm_drain_phase_seconds_total",
        kind: Kind::Counter,
        help: "Time spent in each phase of all drains.",
        samples: |state| {
            let totals = state.last_drain.as_ref().map(PastDrain::totals).unwrap_or_default();
            let total = |phase: &'static str| {
                (vec![("phase", phase.to_owned())], number(totals.spent_ms(phase)) / 1000.0)
            };
            PHASES.into_iter().map(total).collect()
        },
    },
    Family {
        name: "hhvm_drain_last_drain_phase_seconds",
        kind: Kind::Gauge,
        help: "Time spent in each phase that the last drain has had so far.",
        samples: |state| {
            let phases = state.last_drain.iter().flat_map(|last| last.ms.all());
            phases.map(|(name, time)| (vec![("phase", name.to_owned())], time.as_secs_f64())).collect()
        },
    },
    Family {
        name: "hhvm_drain_last_drain_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When the last drain ended, by its outcome and why there was one.",
        samples: |state| {
            let last = state.last_drain.iter();
            last.filter_map(|last| {
                let labels =
                    vec![("outcome", last.outcome.name().to_owned()), ("why", last.why.name().to_owned())];
                Some((labels, seconds(&last.at)?))
            })
            .collect()
        },
    },
    Family {
        name: "hhvm_drain_last_drain_load",
        kind: Kind::Gauge,
        help: "Requests in flight at the end of the last drain; absent if that was not known.",
        samples: |state| {
            state
                .last_drain
                .iter()
                .filter_map(|last| last.load)
                .flat_map(|load| plain(number(load)))
                .collect()
        },
    },
    Family {
        name: "hhvm_drain_check_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When hhvm-drain check --quiet was last run in this boot.",
        samples: |state| of_check(state, |check| seconds(&check.at).unwrap_or_default()),
    },
    Family {
        name: "hhvm_drain_check_errors",
        kind: Kind::Gauge,
        help: "Errors that it found; with any of them the next stop may not drain.",
        samples: |state| of_check(state, |check| number(check.errors)),
    },
    Family {
        name: "hhvm_drain_check_warnings",
        kind: Kind::Gauge,
        help: "Warnings that it found.",
        samples: |state| of_check(state, |check| number(check.warnings)),
    },
    Family {
        name: "hhvm_drain_settings_mistakes",
        kind: Kind::Gauge,
        help: "Mistakes in the settings that it found.",
        samples: |state| of_check(state, |check| number(check.settings)),
    },
    Family {
        name: "hhvm_drain_balancers_unreachable",
        kind: Kind::Gauge,
        help: "Load balancers that it could not ask, or could not understand.",
        samples: |state| of_check(state, |check| number(check.balancers)),
    },
];

fn plain(value: f64) -> Vec<(Labels, f64)> {
    vec![(Vec::new(), value)]
}

fn of_check(state: &Published, value: fn(&Checked) -> f64) -> Vec<(Labels, f64)> {
    state.check.iter().map(|check| (Vec::new(), value(check))).collect()
}

/// As exact as a float can be.
#[expect(clippy::cast_precision_loss, reason = "nobody has so many requests")]
fn number(count: u64) -> f64 {
    count as f64
}

/// Since 1970.
fn seconds(at: &str) -> Option<f64> {
    let at = humantime::parse_rfc3339(at).ok()?;
    Some(at.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs_f64())
}

/// The whole file, of these units.
fn text(states: &[Published]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!(
        "# HELP hhvm_drain_build_info The version of hhvm-drain that wrote this.\n# TYPE hhvm_drain_build_info gauge\n\
         hhvm_drain_build_info{{version=\"{version}\"}} 1\n"
    );
    for Family { name, kind, help, samples } in FAMILIES {
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        };
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for state in states {
            for (labels, value) in samples(state) {
                let _ = write!(text, "{name}{{unit=\"{}\"", escaped(&state.unit));
                for (label, value) in labels {
                    let _ = write!(text, ",{label}=\"{}\"", escaped(&value));
                }
                let _ = writeln!(text, "}} {value}");
            }
        }
    }
    text
}

/// A label's value.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Writes the file, if one is wanted. Nothing depends on it, so that it cannot be written is for `check` to tell.
pub(super) fn write(context: &Context, settings: &Settings) {
    let _ = try_to_write(context, settings);
}

/// The same, and whether it could be.
fn try_to_write(context: &Context, settings: &Settings) -> io::Result<()> {
    settings.metrics_file.as_ref().map_or(Ok(()), |path| Store::new(context).write_metrics(path, text))
}

/// Publishes what `check` has found, of that so many mistakes in the settings, and load balancers that do not answer.
pub(super) fn publish_check(context: &Context, findings: &[Finding], settings: usize, balancers: usize) {
    let count =
        |severity| number_of(findings.iter().filter(|finding| finding.severity == Some(severity)).count());
    let store = Store::new(context);
    store.publish_check(&Checked {
        at: store.now().at,
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        settings: number_of(settings),
        balancers: number_of(balancers),
    });
}

fn number_of(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Writes the file, if one is wanted; whether that can be done.
pub(super) fn finding(context: &Context, settings: &Settings) -> Option<Finding> {
    let path = settings.metrics_file.as_ref()?.display().to_string();
    Some(match try_to_write(context, settings) {
        Ok(()) => good(format!("metrics-file: {path} can be written")),
        Err(why) => warning(format!("metrics-file: {path} cannot be written ({why})")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stamp;
    use crate::pool::Totals;
    use std::time::Duration;

    fn stamp(at: &str) -> Stamp {
        Stamp { at: at.to_owned(), boot_id: "one".to_owned(), boottime_ms: 5 }
    }

    fn state(unit: &str, membership: Membership) -> Published {
        let written = stamp("2026-11-25T14:00:00Z");
        let (unit, version) = (unit.to_owned(), 1);
        Published { version, unit, written, membership, activity: None, last_drain: None, check: None }
    }

    fn lines<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
        text.lines().filter(|line| line.starts_with(&format!("{name}{{"))).collect()
    }

    #[test]
    fn each_unit_has_its_samples_below_one_heading() {
        let since = stamp("1970-01-01T00:01:00Z");
        let out = Membership::Out { by: By::Operator, who: None, reason: None, since };
        let text = text(&[state("hhvm@1.service", Membership::In), state("a\\x2db.service", out)]);
        assert_eq!(
            lines(&text, "hhvm_drain_pooled"),
            [
                "hhvm_drain_pooled{unit=\"hhvm@1.service\"} 1",
                "hhvm_drain_pooled{unit=\"a\\\\x2db.service\"} 0"
            ]
        );
        let since = "hhvm_drain_out_since_timestamp_seconds{unit=\"a\\\\x2db.service\",by=\"operator\"} 60";
        assert_eq!(lines(&text, "hhvm_drain_out_since_timestamp_seconds"), [since]);
        assert_eq!(text.matches("# TYPE hhvm_drain_pooled gauge\n").count(), 1);
        assert_eq!(
            lines(&text, "hhvm_drain_drains_total").len(),
            12,
            "from zero on, or an increase is not seen"
        );
    }

    #[test]
    fn what_is_not_known_has_no_sample() {
        let text = text(&[state("hhvm.service", Membership::Unknown)]);
        for name in ["hhvm_drain_pooled", "hhvm_drain_last_drain_load", "hhvm_drain_check_errors"] {
            assert!(lines(&text, name).is_empty(), "{text}");
        }
    }

    #[test]
    fn drains_add_up() {
        let mut last = PastDrain::died(None, Duration::from_secs(3), "1970-01-01T00:01:00Z".to_owned());
        (last.ms.requests, last.load) = (Some(1500), Some(4));
        let mut next = last.clone();
        next.before = Some(last.totals());
        let mut state = state("hhvm.service", Membership::In);
        state.last_drain = Some(next);
        let text = text(&[state]);
        assert!(text.contains("drains_total{unit=\"hhvm.service\",outcome=\"died\"} 2\n"), "{text}");
        assert!(text.contains("phase_seconds_total{unit=\"hhvm.service\",phase=\"requests\"} 3\n"), "{text}");
        assert!(
            text.contains("last_drain_phase_seconds{unit=\"hhvm.service\",phase=\"requests\"} 1.5\n"),
            "{text}"
        );
        assert_eq!(Totals::default().spent_ms("requests"), 0);
    }
}
