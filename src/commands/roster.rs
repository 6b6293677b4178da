//! The answer of `fleet`: who is out and who waits, for people and as JSON.

use crate::fleet::{Claim, Entry, Holder, Limit, Name, Over, Slots, Snapshot, Why};
use crate::node::Node;
use crate::queue::{Stuck, oddities, slots, why_stuck};
use crate::settings::fleet::Fleet;
use crate::text::clean;
use serde::Serialize;
use std::collections::BTreeMap;

/// Everybody who has a key.
#[derive(Debug, Serialize)]
pub(super) struct Roster {
    pool: String,
    /// The node that asks.
    node: String,
    /// So many nodes may be out.
    limit: u32,
    /// Who has set it; none if nobody has, or if the number stands there alone.
    limit_set: Option<Setter>,
    out: Vec<Line>,
    /// The next one first.
    waiting: Vec<Line>,
    /// What does not belong there, a line each.
    oddities: Vec<String>,
    #[serde(skip)]
    is_unset: bool,
}

#[derive(Debug, Serialize)]
struct Setter {
    who: Option<String>,
    node: Option<String>,
    since: Option<String>,
}

/// A node.
#[derive(Debug, Serialize)]
struct Line {
    node: String,
    state: State,
    /// The first of its units, by its clock.
    since: Option<String>,
    /// None if no version of this program has written it.
    units: Option<BTreeMap<String, Claim>>,
}

/// What is to be expected of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// It waits, or comes back by itself.
    Alive,
    /// It comes back when an operator says so.
    Operator,
    /// It was started, and does not serve.
    DoesNotServe,
    /// Nothing was heard of it for its stale-after.
    Silent,
    /// Somebody else has written its key.
    Unknown,
    /// Another host of this node's name has written it.
    Namesake,
}

impl Roster {
    /// What `snapshot`, of the whole, shows to this node.
    pub(super) fn of(snapshot: &Snapshot, fleet: &Fleet, node: &Node) -> Self {
        let value = snapshot.limit.as_ref().map(|entry| entry.value.as_slice());
        let set = value.and_then(Limit::parse).filter(|limit| limit.who.is_some() || limit.node.is_some());
        let line = |(name, entry): &(Name, Entry)| Line::of(snapshot, name, entry, node);
        let (waiting, out): (Vec<_>, Vec<_>) =
            snapshot.out.iter().partition(|(_, entry)| entry.lease.is_some());
        Self {
            pool: fleet.pool.to_string(),
            node: node.name.to_string(),
            limit: slots(snapshot).count(),
            limit_set: set.map(|limit| Setter { who: limit.who, node: limit.node, since: limit.since }),
            out: out.into_iter().map(line).collect(),
            waiting: waiting.into_iter().map(line).collect(),
            oddities: oddities(snapshot),
            is_unset: slots(snapshot) == Slots::Unset,
        }
    }

    pub(super) fn words(&self) -> String {
        let mut lines = vec![self.head()];
        let longest =
            self.out.iter().chain(&self.waiting).map(|line| line.node.len()).max().unwrap_or_default();
        let told = |line: &Line| {
            let here = if line.node == self.node { ", this node" } else { "" };
            format!("  {:longest$}  {}{here}", line.node, line.words())
        };
        lines.push(if self.out.is_empty() { "Out: nobody".to_owned() } else { "Out:".to_owned() });
        lines.extend(self.out.iter().map(told));
        lines.push(if self.waiting.is_empty() {
            "Waiting: nobody".to_owned()
        } else {
            "Waiting, the next one first:".to_owned()
        });
        lines.extend(self.waiting.iter().map(told));
        lines.extend(self.oddities.iter().map(|oddity| format!("Odd: {oddity}")));
        let lines: Vec<String> = lines.iter().map(|line| clean(line)).collect();
        lines.join("\n")
    }

    fn head(&self) -> String {
        let Self { pool, limit, .. } = self;
        let set = match &self.limit_set {
            Some(Setter { who, node, since }) => {
                let who = who.as_deref().unwrap_or("somebody");
                let node = node.as_deref().map(|node| format!(" on {node}")).unwrap_or_default();
                let since = since.as_deref().map(|since| format!(", {since}")).unwrap_or_default();
                format!(" (set by {who}{node}{since})")
            }
            None if self.is_unset => " (nobody has set a limit; hhvm-drain fleet limit N does)".to_owned(),
            None => String::new(),
        };
        format!("Fleet {pool}: {} of {limit} slots are taken{set}", self.out.len())
    }
}

impl Line {
    fn of(snapshot: &Snapshot, name: &Name, entry: &Entry, here: &Node) -> Self {
        let holder = Holder::parse(&entry.value);
        let is_namesake = |holder: &Holder| {
            *name == here.name && !here.machine_id.is_empty() && holder.machine_id != here.machine_id
        };
        let stuck = entry.lease.is_none().then(|| why_stuck(snapshot, name, entry)).flatten();
        let state = match (&holder, stuck) {
            (None, _) => State::Unknown,
            (Some(holder), _) if is_namesake(holder) => State::Namesake,
            (_, Some(Stuck::Operator(_))) => State::Operator,
            (_, Some(Stuck::DoesNotServe(_))) => State::DoesNotServe,
            (_, Some(Stuck::Silent)) => State::Silent,
            (_, Some(Stuck::Strange)) => State::Unknown,
            (_, None) => State::Alive,
        };
        let units = holder.map(|holder| holder.units);
        let since = units.iter().flatten().map(|(_, claim)| claim.since.clone()).min();
        Self { node: name.to_string(), state, since, units }
    }

    fn words(&self) -> String {
        let Some(units) = &self.units else {
            return format!(
                "unknown: its key was not written by hhvm-drain; to delete it: hhvm-drain fleet free {}",
                self.node
            );
        };
        let claims: Vec<String> = units.iter().map(|(unit, claim)| claim_words(unit, claim)).collect();
        let since = self.since.as_deref().unwrap_or("an unknown time");
        let state = match self.state {
            State::Alive | State::Unknown => String::new(),
            State::Operator => "; out until hhvm-drain pool".to_owned(),
            State::DoesNotServe => "; started, and does not serve".to_owned(),
            State::Silent => "; SILENT, so the next node that waits takes its slot".to_owned(),
            State::Namesake => "; written by ANOTHER HOST of this name".to_owned(),
        };
        format!("since {since}: {}{state}", claims.join("; "))
    }
}

fn claim_words(unit: &str, claim: &Claim) -> String {
    let what = match claim.why {
        Why::Stop => "stop",
        Why::Restart => "restart",
        Why::Shutdown => "shutdown",
        Why::Operator => "depool",
        Why::Other => "something that a newer version does",
    };
    let who = claim.who.as_deref().map(|who| format!(" by {who}")).unwrap_or_default();
    let reason = claim.reason.as_deref().map(|reason| format!(", {reason}")).unwrap_or_default();
    let over = claim.over.map(|over| format!(" (not its turn: {})", over_words(over))).unwrap_or_default();
    format!("{what} of {unit}{who}{reason}{over}")
}

fn over_words(over: Over) -> &'static str {
    match over {
        Over::Forced => "--force",
        Over::Go => "fleet go",
        Over::SecondRow | Over::WaitOver => "it had waited too long",
        Over::HostDown => "the host went down",
        Over::FrontEndGone => "its front end did not answer",
        Over::Interrupted => "a signal ended its waiting",
        Over::Other => "for a reason that a newer version has",
    }
}
