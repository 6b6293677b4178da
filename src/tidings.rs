//! What of the balancers' answers is news for the log: a line when something changes, and few of them.

use crate::confirm::{Confirm, Standing, Verdict};
use crate::row::{News, Unclear};

/// A balancer that changes its mind all the time fills no log.
const LINES_MAX: usize = 8;

/// What was told of one balancer.
#[derive(Debug, Clone, Default)]
struct Told {
    last: Option<Last>,
    lines: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Last {
    In,
    Out,
    Unclear(Unclear),
}

/// What was told of all.
#[derive(Debug, Clone)]
pub struct Tidings {
    told: Vec<Told>,
    confirmed: usize,
    is_confirmed: bool,
}

impl Tidings {
    /// Nothing yet, of so many.
    #[must_use]
    pub fn of(count: usize) -> Self {
        Self { told: vec![Told::default(); count], confirmed: 0, is_confirmed: false }
    }

    /// What has changed since it was asked last, with the number of the balancer it is about.
    pub fn since(&mut self, confirm: &Confirm) -> Vec<(usize, News)> {
        let mut news = Vec::new();
        for (which, (told, standing)) in self.told.iter_mut().zip(confirm.standings()).enumerate() {
            let (now, what) = match standing {
                Standing::Unclear(Unclear::NotAsked) => continue,
                Standing::Unclear(why) => (Last::Unclear(why.clone()), Some(News::Unclear(why.clone()))),
                Standing::In(row) if told.last == Some(Last::Out) => {
                    (Last::In, Some(News::SendsAgain(row.to_string())))
                }
                Standing::In(_) => (Last::In, None),
                Standing::Busy(_) | Standing::Quiet(_) => (Last::Out, Some(News::Out)),
            };
            if told.last.as_ref().is_some_and(|last| last.is_like(&now)) {
                continue;
            }
            told.last = Some(now);
            if let Some(what) = what
                && told.lines < LINES_MAX
            {
                told.lines += 1;
                news.push((which, what));
            }
        }
        let was_confirmed = self.is_confirmed;
        self.is_confirmed = matches!(confirm.verdict(), Verdict::Confirmed(_));
        if self.is_confirmed && !was_confirmed && self.confirmed < LINES_MAX {
            self.confirmed += 1;
            news.push((0, News::Confirmed));
        }
        news
    }
}

impl Last {
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unclear(one), Self::Unclear(other)) => one.is_like(other),
            _ => self == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Answer, Id, Row, Sends, View};
    use std::time::{Duration, Instant};

    /// The news of one balancer that says this, each a tenth of a second after the other.
    fn news(said: &[Result<Sends, Unclear>]) -> Vec<News> {
        let start = Instant::now();
        let (mut confirm, mut tidings) = (Confirm::new(1, start), Tidings::of(1));
        let mut news = Vec::new();
        for (at, said) in said.iter().enumerate() {
            let asked = start + Duration::from_millis(100) * u32::try_from(at).unwrap();
            let row = |sends| {
                let id = Id { backend: "web".to_owned(), server: "web1".to_owned(), address: None };
                Row::plain(id, sends, "UP")
            };
            let view = said.clone().map(|sends| View { process: None, rows: vec![row(sends)] });
            confirm.answered(0, Answer { asked, answered: asked, view });
            news.extend(tidings.since(&confirm).into_iter().map(|(_, news)| news));
        }
        news
    }

    #[test]
    fn each_change_is_told_once() {
        let out = vec![Ok(Sends::No); 13];
        let story = [vec![Ok(Sends::Yes); 3], out.clone(), vec![Ok(Sends::Yes)], out].concat();
        let again = News::SendsAgain("web/web1 UP".to_owned());
        let expected = [News::Out, News::Confirmed, again, News::Out, News::Confirmed];
        assert_eq!(news(&story), expected);
        let refused = Err(Unclear::Status(503));
        assert_eq!(news(&[refused.clone(), refused, Ok(Sends::Yes)]), [News::Unclear(Unclear::Status(503))]);
    }

    #[test]
    fn one_that_flaps_fills_no_log() {
        let story: Vec<_> = (0..500).map(|at| Ok(if at % 2 == 0 { Sends::No } else { Sends::Yes })).collect();
        assert_eq!(news(&story).len(), LINES_MAX);
    }
}
