//! `status`: whether the node is in the pool, and if not, who took it out, when and why; the load; the last drain.

use super::asking::{Running, source_of};
use super::balancing::{Said, asked};
use super::known::Known;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::load::Load;
use crate::outcome::{Balancers, FrontEnd};
use crate::pool::{By, Member, Membership, PastDrain, Phase, Record, Whereabouts};
use crate::row::Sends;
use crate::settings::Settings;
use crate::text::{clean, paths};
use crate::{DONE, OUT_BY_DRAIN, OUT_BY_OPERATOR, UNKNOWN};
use serde::Serialize;
use std::io::Write;
use std::time::{Duration, Instant};

/// How long a person waits for the load.
const PATIENCE: Duration = Duration::from_secs(2);

/// The answer; the names of its fields are those of `--json`.
#[derive(Debug, Serialize)]
struct Status {
    unit: String,
    pooled: bool,
    state: State,
    by: Option<TakenBy>,
    who: Option<String>,
    since: Option<String>,
    reason: Option<String>,
    draining: bool,
    activity: Option<Activity>,
    health_files: Vec<File>,
    load: Option<u64>,
    load_error: Option<String>,
    balancers: Vec<AtBalancer>,
    last_drain: Option<PastDrain>,
    record_error: Option<String>,
    #[serde(skip)]
    runs: bool,
}

/// Something that takes time.
#[derive(Debug, Serialize)]
struct Activity {
    phase: Phase,
    since: String,
    at_most: Option<u64>,
}

#[derive(Debug, Serialize)]
struct File {
    path: String,
    state: State,
    error: Option<String>,
}

/// What a balancer says of this node.
#[derive(Debug, Serialize)]
struct AtBalancer {
    balancer: String,
    /// None if it is not known.
    sends: Option<bool>,
    rows: Vec<String>,
    error: Option<String>,
}

impl AtBalancer {
    fn of(Said { name, view }: Said) -> Self {
        let (sends, rows, error) = match view {
            Ok(view) => {
                let sends = view.rows.iter().any(|row| row.sends != Sends::No);
                (Some(sends), view.rows.iter().map(ToString::to_string).collect(), None)
            }
            Err(why) => (None, Vec::new(), Some(why.to_string())),
        };
        Self { balancer: name, sends, rows, error }
    }

    fn words(&self) -> String {
        let said = match (self.sends, &self.error) {
            (Some(true), _) => format!("sends requests here ({})", self.rows.join(", ")),
            (Some(false), _) => format!("sends no requests here ({})", self.rows.join(", ")),
            (None, why) => format!("unknown ({})", why.as_deref().unwrap_or_default()),
        };
        format!("Balancer:   {}: {said}", self.balancer)
    }
}

/// Where the node is, or one health file; the worse ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Pooled,
    Missing,
    Depooled,
}

/// Who took the node out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum TakenBy {
    Drain,
    Operator,
    Hand,
}

impl From<By> for TakenBy {
    fn from(by: By) -> Self {
        match by {
            By::Drain => Self::Drain,
            By::Operator => Self::Operator,
        }
    }
}

/// Runs the command; the exit status that says where the node is.
pub(super) fn run(context: &Context, settings: &Settings, json: bool) -> Result<u8> {
    let status = gather(context, settings);
    let text = if json {
        serde_json::to_string_pretty(&status).map_err(|error| Error::Output(error.into()))?
    } else {
        status.words().join("\n")
    };
    writeln!(std::io::stdout(), "{text}").map_err(Error::Output)?;
    Ok(status.code())
}

fn gather(context: &Context, settings: &Settings) -> Status {
    let member = Member::new(context, &settings.health_files);
    let known = Known::of(&member, context);
    let health_files = files(&member, known.record.as_ref());
    // The node is in its pool only if every health file is in its place.
    let state = health_files.iter().map(|file| file.state).max().unwrap_or(State::Pooled);
    let (by, who, since, reason) = match known.membership {
        _ if state != State::Depooled => (None, None, None, None),
        Membership::Out { by, who, reason, since } => (Some(by.into()), who, Some(since.at), reason),
        Membership::In | Membership::Unknown => (Some(TakenBy::Hand), None, None, None),
    };
    let running = Running::find(context);
    let mut source = source_of(context, settings, &running, Instant::now() + PATIENCE).source;
    let (load, load_error) = match source.read(Instant::now() + PATIENCE) {
        Load::Known(load) => (Some(load), None),
        Load::Unknown(why) => (None, Some(why.to_string())),
    };
    Status {
        unit: context.unit.to_string(),
        pooled: state == State::Pooled,
        state,
        by,
        who,
        since,
        reason,
        draining: known.is_draining,
        activity: known.activity.map(|activity| Activity {
            phase: activity.phase,
            since: activity.since.at,
            at_most: activity.at_most,
        }),
        health_files,
        load,
        load_error,
        balancers: asked(context, settings, &running.scope).into_iter().map(AtBalancer::of).collect(),
        last_drain: known.last_drain,
        record_error: known.record_error,
        runs: running.main.process().is_some(),
    }
}

fn files(member: &Member, record: Option<&Record>) -> Vec<File> {
    let file = |path: &std::path::Path, sight: std::io::Result<crate::pool::Sight>| {
        let (state, error) = match member.whereabouts(path, &sight, record) {
            Ok(Whereabouts::InPlace) => (State::Pooled, None),
            Ok(Whereabouts::OnRecord | Whereabouts::ByHand) => (State::Depooled, None),
            Ok(Whereabouts::Lost(why)) => (State::Depooled, Some(why)),
            Ok(Whereabouts::Nowhere) => (State::Missing, None),
            Err(error) => (State::Missing, Some(error.to_string())),
        };
        File { path: path.display().to_string(), state, error }
    };
    member.sights().map(|(path, sight)| file(path, sight)).collect()
}

impl Status {
    /// For `--exit-code`. Who took the node out is not known where the record cannot be read.
    fn code(&self) -> u8 {
        match (self.state, self.by) {
            (State::Pooled, _) => DONE,
            (State::Depooled, Some(TakenBy::Operator)) => OUT_BY_OPERATOR,
            (State::Depooled, Some(TakenBy::Drain)) => OUT_BY_DRAIN,
            (State::Depooled, Some(TakenBy::Hand)) if self.record_error.is_none() => OUT_BY_OPERATOR,
            (State::Depooled | State::Missing, _) => UNKNOWN,
        }
    }

    fn words(&self) -> Vec<String> {
        let mut lines = vec![format!("{}: {}", self.unit, self.place())];
        lines.extend(self.goes_on().map(|what| format!("Stop:       {what}")));
        for file in &self.health_files {
            let state = match (file.state, &file.error) {
                (_, Some(error)) => error.as_str(),
                (State::Pooled, None) => "in its place",
                (State::Depooled, None) => "moved to *.disabled",
                (State::Missing, None) => "missing",
            };
            lines.push(format!("Health:     {} ({state})", file.path));
        }
        lines.push(match (self.load, &self.load_error) {
            (Some(load), _) => format!("Load:       {load} in flight"),
            (None, why) => format!("Load:       unknown ({})", why.as_deref().unwrap_or_default()),
        });
        lines.extend(self.balancers.iter().map(AtBalancer::words));
        lines.push(match &self.last_drain {
            Some(last) => {
                let load = last.load.map_or("unknown".to_owned(), |load| load.to_string());
                let note = match last.front_end {
                    FrontEnd::StillUp => ", the front end still answered",
                    FrontEnd::Noticed | FrontEnd::NotAsked => "",
                };
                let at_balancers = match last.balancers {
                    Balancers::Confirmed => ", out at all load balancers",
                    Balancers::StillSending => ", a load balancer still sent requests",
                    Balancers::Unconfirmed => ", not confirmed by the load balancers",
                    Balancers::NotAsked => "",
                };
                let out =
                    last.seconds_out.map(|time| format!(", {time} s out of the pool")).unwrap_or_default();
                format!(
                    "Last drain: {} after {} s, load {load}{note}{at_balancers}{out}, {}",
                    last.outcome.name(),
                    last.seconds,
                    last.at
                )
            }
            None => "Last drain: none".to_owned(),
        });
        lines.extend(self.record_error.iter().map(|error| format!("Record:     {error}")));
        lines.iter().map(|line| clean(line)).collect()
    }

    fn goes_on(&self) -> Option<String> {
        let activity = self.activity.as_ref();
        let times = activity.filter(|activity| activity.phase == Phase::Draining).map(|activity| {
            let at_most = activity.at_most.map(|at_most| format!(", for at most {at_most} s"));
            format!(" since {}{}", activity.since, at_most.unwrap_or_default())
        });
        self.draining.then(|| format!("a drain is in progress{}", times.unwrap_or_default()))
    }

    fn missing(&self) -> String {
        let missing = self.health_files.iter().filter(|file| file.state == State::Missing);
        paths(&missing.map(|file| file.path.as_str()).collect::<Vec<_>>())
    }

    fn place(&self) -> String {
        let since = self.since.as_deref().map(|at| format!(" since {at}")).unwrap_or_default();
        let reason = self.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        match (self.state, self.by) {
            (State::Pooled, _) => "in the pool".to_owned(),
            (State::Missing, _) => format!(
                "not in the pool: no health file at {}; create it, or set health-file to the right path",
                self.missing()
            ),
            (State::Depooled, Some(TakenBy::Drain)) if self.draining => {
                format!("taken out of the pool by a drain{since}")
            }
            (State::Depooled, Some(TakenBy::Drain)) if !self.runs => format!(
                "taken out of the pool by a drain{since}; HHVM is not running, and the next start puts this node back as \
                 repool says; to put it back now, run hhvm-drain pool"
            ),
            (State::Depooled, Some(TakenBy::Drain)) => format!(
                "taken out of the pool by a drain{since}; it goes back as repool says; to put it back now, run hhvm-drain \
                 pool"
            ),
            (State::Depooled, Some(TakenBy::Operator)) => {
                let who = self.who.as_deref().unwrap_or("an operator");
                format!("taken out of the pool by {who}{since}{reason}; to put it back, run hhvm-drain pool")
            }
            (State::Depooled, Some(TakenBy::Hand) | None) => {
                "taken out of the pool by hand; to put it back, run hhvm-drain pool".to_owned()
            }
        }
    }
}
