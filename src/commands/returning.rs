//! The end of the way back: waits until the load balancers send requests here again, not for long, and tells.

use super::asking::Running;
use super::balancing::balancers_of;
use super::session::Session;
use crate::back::{BACK_MAX, Back, Standing};
use crate::message::Message;
use crate::outcome::Ending;
use crate::pool::{Announcement, Member, Said, drain_in_progress};
use crate::row::{Before, News};
use crate::settings::balancer::Balancer;
use crate::wait::{Watch, until_back};
use std::time::{Duration, Instant};

impl Session<'_> {
    /// What each balancer said of this node before that drain.
    pub(super) fn said_before(&self, ending: &Ending) -> Vec<Said> {
        let said = |(balancer, rows): (&Balancer, &Vec<Before>)| Said {
            balancer: balancer.to_string(),
            rows: rows.clone(),
        };
        self.settings.balancers.iter().zip(&ending.before).map(said).collect()
    }

    /// Waits for the balancers, if there are any and the node is back; until a stop or a signal comes.
    ///
    /// That one does not send is told, and is no failure: this node can do no more about it.
    pub(super) fn wait_for_balancers(&self, member: &Member, running: &Running) {
        let (store, balancers) = (member.store(), &self.settings.balancers);
        let is_back = || matches!(store.record(), Ok(None)) && member.any_in_place();
        if balancers.is_empty() || !is_back() || drain_in_progress(store) {
            return;
        }
        let Some(process) = running.main.process() else { return };
        let away = store.away();
        let before = |balancer: &Balancer| {
            away.as_ref().map(|away| away.of(&balancer.to_string())).unwrap_or_default()
        };
        let _announced = Announcement::of_return(store, Some(BACK_MAX));
        let (readers, held) = balancers_of(self.context, self.settings, &running.scope);
        let watch = Watch::over(Some(process), &self.signals).asking_balancers(readers, held);
        let started = Instant::now();
        let mut shown = None;
        let goes_on = |back: &Back, now: Instant| {
            let missing = back.first_missing(now);
            if missing.is_some() && missing != shown {
                shown = missing;
                self.reporter.status(self.waiting_for(missing), Duration::ZERO);
            }
            is_back() && !drain_in_progress(store)
        };
        let back = Back::new(balancers.iter().map(before).collect(), started);
        if let Some(back) = until_back(back, watch, goes_on) {
            let all = self.tell_of_return(&back, started.elapsed());
            store.note_balancers(all);
            store.forget_away();
        }
    }

    fn waiting_for(&self, which: Option<usize>) -> String {
        let name = which.and_then(|which| self.settings.balancers.get(which)).map(Balancer::label);
        format!("Back in the pool: waiting for {} to send requests again", name.unwrap_or_default())
    }

    /// Whether all of them send, and if not, which do not, and why.
    fn tell_of_return(&self, back: &Back, took: Duration) -> bool {
        let mut all = true;
        for (balancer, standing) in self.settings.balancers.iter().zip(back.standings()) {
            let news = match standing {
                Standing::Sends => continue,
                Standing::NotYet(row) => News::NotBack(row.to_string(), took),
                Standing::Unclear(why) => News::BackUnclear(why.clone()),
            };
            all = false;
            self.reporter.tell(Message::Balancer(balancer.label(), news));
        }
        let line = if all {
            self.reporter.tell(Message::Balancer(String::new(), News::Back(took)));
            "Back in the pool: all load balancers send requests again"
        } else {
            "Back in the pool; not all load balancers are known to send requests again, see the journal"
        };
        self.reporter.status(line.to_owned(), Duration::ZERO);
        all
    }
}
