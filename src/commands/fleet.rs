//! `fleet`: who is out, who waits; how many may be out; and a slot that nobody will give back any more.

use super::roster::Roster;
use crate::cli::FleetAction;
use crate::clock;
use crate::context::{Context, operator};
use crate::error::{Error, Result};
use crate::etcd::Etcd;
use crate::fleet::{
    Change, Committed, Compare, Engine, Entry, Failure, Holder, Key, Limit, Look, Name, Slots, Transaction,
};
use crate::node::Node;
use crate::pool::{Phase, Store};
use crate::problem::Problem;
use crate::settings::Settings;
use crate::settings::fleet::{Fleet, Setting};
use crate::text::clean;
use std::io::Write;

/// Runs the command.
pub(super) fn run(
    context: &Context,
    settings: &Settings,
    problems: &[Problem],
    action: Option<&FleetAction>,
    json: bool,
) -> Result<()> {
    if action == Some(&FleetAction::Go) {
        return go(context);
    }
    let fleet = fleet(settings, problems)?;
    let node = Node::here(&context.root).map_err(Error::Fleet)?;
    let mut etcd = Etcd::new(&context.root, fleet, &node.name).map_err(Error::Fleet)?;
    let answer = match action {
        None => show(&mut etcd, fleet, &node, json)?,
        Some(FleetAction::Limit { nodes }) => set_limit(context, &mut etcd, &node, *nodes)?,
        Some(FleetAction::Free { node }) => free(&mut etcd, node)?,
        Some(FleetAction::Go) => return go(context),
    };
    writeln!(std::io::stdout(), "{answer}").map_err(Error::Output)
}

/// Ends the waiting of a stop on this host, whatever the engine does.
fn go(context: &Context) -> Result<()> {
    let store = Store::new(context);
    let published = store.published().ok().flatten();
    let activity = published.and_then(|published| published.activity);
    let waits = activity.is_some_and(|activity| {
        activity.phase == Phase::Waiting && activity.writer.runs(&context.root.join("/proc")) != Some(false)
    });
    if !waits {
        return Err(Error::Fleet(format!("no stop of {} waits for its turn", context.unit)));
    }
    store.tell_to_go().map_err(|error| {
        Error::Fleet(format!("the stop of {} cannot be told ({error}); run as root", context.unit))
    })?;
    writeln!(std::io::stdout(), "the stop of {} goes on", context.unit).map_err(Error::Output)
}

/// The fleet that is set.
pub(super) fn fleet<'a>(settings: &'a Settings, problems: &[Problem]) -> Result<&'a Fleet> {
    match &settings.fleet {
        Setting::Set(fleet) => Ok(fleet),
        Setting::Unset => Err(Error::Fleet(
            "this node is in no fleet; set members in [fleet] of /etc/hhvm-drain.toml, see hhvm-drain-fleet(7)".to_owned(),
        )),
        Setting::Broken => {
            let told = problems.iter().map(ToString::to_string).find(|problem| problem.contains("fleet"));
            let told = told.unwrap_or_else(|| "a settings file has mistakes".to_owned());
            Err(Error::Fleet(format!("it is not clear in which fleet this node is: {told}")))
        }
    }
}

fn show(etcd: &mut Etcd, fleet: &Fleet, node: &Node, json: bool) -> Result<String> {
    let roster = Roster::of(&etcd.look(Look::Whole)?, fleet, node);
    if json {
        serde_json::to_string_pretty(&roster).map_err(|error| Error::Output(error.into()))
    } else {
        Ok(roster.words())
    }
}

fn set_limit(context: &Context, etcd: &mut Etcd, node: &Node, nodes: u32) -> Result<String> {
    let before = etcd.get(&Key::Limit)?;
    let value = Limit {
        limit: u64::from(nodes),
        who: operator(&context.env).map(str::to_owned),
        node: Some(node.name.to_string()),
        since: Some(clock::now(&context.root.join("/proc")).at),
    }
    .bytes();
    let compare = before
        .as_ref()
        .map_or(Compare::Absent(Key::Limit), |entry| Compare::Modified(Key::Limit, entry.modified));
    let transaction =
        Transaction { compare: vec![compare], then: vec![Change::Put(Key::Limit, value.clone(), None)] };
    let now_set = |entry: Option<&Entry>| entry.is_some_and(|entry| entry.value == value);
    change(etcd, &transaction, &Key::Limit, now_set)?;
    let was = match Slots::of(before.as_ref().map(|entry| entry.value.as_slice())) {
        Slots::Unset => "1, because nobody had set it".to_owned(),
        slots => slots.count().to_string(),
    };
    let kept = if Slots::Set(nodes).count()
        < Slots::of(before.as_ref().map(|entry| entry.value.as_slice())).count()
    {
        "; nodes that are out stay out, others wait"
    } else {
        ""
    };
    Ok(format!("limit: {nodes} may be out at once (was {was}){kept}"))
}

fn free(etcd: &mut Etcd, node: &Name) -> Result<String> {
    let out = Key::Out(node.clone());
    let Some(entry) = etcd.get(&out)? else {
        return Err(Error::Fleet(format!("{node} is not out and does not wait; see hhvm-drain fleet")));
    };
    let was_heard_of = etcd.get(&Key::Alive(node.clone()))?.is_some();
    let transaction = Transaction {
        compare: vec![Compare::Modified(out.clone(), entry.modified)],
        then: vec![Change::Delete(out.clone()), Change::Delete(Key::Alive(node.clone()))],
    };
    change(etcd, &transaction, &out, |entry| entry.is_none())?;
    let is_operators = Holder::parse(&entry.value).is_some_and(|holder| holder.is_operators());
    let told = match entry.lease {
        Some(_) => format!("{node} had no slot; it has lost its place, and queues anew if it still waits"),
        None if is_operators => {
            format!("freed the slot of {node}; it stays out until hhvm-drain pool is run there")
        }
        None if was_heard_of => format!("freed the slot of {node}, which was alive: it may still be out"),
        None => format!("freed the slot of {node}"),
    };
    Ok(clean(&told))
}

/// Carries out what an operator wants; what is not known to be carried out is read back.
fn change(
    etcd: &mut Etcd,
    transaction: &Transaction,
    key: &Key,
    is_so: impl Fn(Option<&Entry>) -> bool,
) -> Result<()> {
    match etcd.commit(transaction) {
        Ok(Committed::Written(_)) => Ok(()),
        Ok(Committed::Refused) => Err(Error::Fleet(
            "somebody else has changed it in the same moment; look at it, and try again".to_owned(),
        )),
        Err(Failure::Unknown(why)) => match etcd.get(key) {
            Ok(entry) if is_so(entry.as_ref()) => Ok(()),
            Ok(_) => Err(Error::Fleet(format!(
                "it is not done yet, and may still be done ({why}); look again, then try again"
            ))),
            Err(_) => Err(Error::Fleet(format!(
                "it is not known whether it is done ({why}); look again, then try again"
            ))),
        },
        Err(failure @ Failure::Undone(_)) => Err(failure.into()),
    }
}
