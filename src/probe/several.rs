//! Several loads that are added up: endpoints of a list, pools of PHP-FPM.

use super::gauge::Gauge;
use crate::endpoint::{Kind, Target};
use crate::load::Unknown;
use crate::place::Place;
use std::thread;
use std::time::Instant;

/// So many are asked at the same time.
const AT_ONCE: usize = 32;

/// The sum of several HHVMs.
pub struct Sum<G> {
    parts: Vec<(Target, G)>,
    place: Place,
}

impl<G: Gauge + Send> Sum<G> {
    /// The sum of `parts`, each with its endpoint.
    #[must_use]
    pub fn of(parts: Vec<(Target, G)>) -> Self {
        let place = Place::Sum(parts.iter().map(|(target, _)| target.clone()).collect());
        Self { parts, place }
    }
}

impl<G: Gauge + Send> Gauge for Sum<G> {
    fn read(&mut self, deadline: Instant) -> Result<u64, Unknown> {
        let questions = self.parts.iter_mut().map(|(_, gauge)| Some(move || gauge.read(deadline)));
        let answers = at_once(questions.collect());
        let names = self.parts.iter().map(|(target, _)| target.to_string());
        sum(names.zip(answers.into_iter().flatten()), Kind::Hhvm)
    }

    fn place(&self) -> Option<&Place> {
        Some(&self.place)
    }
}

/// Asks all of `questions`, those that hang beside the others, and returns the answers in their order.
pub(super) fn at_once<T: Send>(
    questions: Vec<Option<impl FnOnce() -> Result<T, Unknown> + Send>>,
) -> Vec<Option<Result<T, Unknown>>> {
    if questions.iter().flatten().count() < 2 {
        return questions.into_iter().map(|question| question.map(|question| question())).collect();
    }
    let slot = |question| Slot { question, answer: None };
    let mut slots: Vec<_> = questions.into_iter().map(slot).collect();
    for part in slots.chunks_mut(AT_ONCE) {
        thread::scope(|scope| {
            for slot in part.iter_mut().filter(|slot| slot.question.is_some()) {
                let _ = thread::Builder::new().spawn_scoped(scope, || slot.ask());
            }
        });
        // For want of threads, what is left is asked one after the other.
        part.iter_mut().for_each(Slot::ask);
    }
    slots.into_iter().map(|slot| slot.answer).collect()
}

/// A question, and then its answer.
struct Slot<Q, T> {
    question: Option<Q>,
    answer: Option<Result<T, Unknown>>,
}

impl<Q: FnOnce() -> Result<T, Unknown>, T> Slot<Q, T> {
    fn ask(&mut self) {
        if let Some(question) = self.question.take() {
            self.answer = Some(question());
        }
    }
}

/// The sum of all; one that is unknown makes it unknown, and the most telling reason is given.
pub(super) fn sum(
    answers: impl IntoIterator<Item = (String, Result<u64, Unknown>)>,
    kind: Kind,
) -> Result<u64, Unknown> {
    let mut sum = 0_u64;
    let mut reason: Option<(String, Unknown)> = None;
    for (name, answer) in answers {
        match answer {
            Ok(load) => sum = sum.saturating_add(load),
            Err(why) if reason.as_ref().is_none_or(|(_, said)| why.weight() > said.weight()) => {
                reason = Some((name, why));
            }
            Err(_) => {}
        }
    }
    reason.map_or(Ok(sum), |(name, why)| Err(why.of(kind, Some(&name))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn of(answers: &[Result<u64, Unknown>]) -> Result<u64, Unknown> {
        let names = ["a", "b", "c"].into_iter().map(str::to_owned);
        sum(names.zip(answers.iter().cloned()), Kind::PhpFpm)
    }

    #[test]
    fn one_unknown_load_makes_the_sum_unknown_and_is_named() {
        assert_eq!(of(&[Ok(1), Ok(0), Ok(2)]), Ok(3));
        assert_eq!(of(&[]), Ok(0));
        assert_eq!(of(&[Ok(u64::MAX), Ok(2)]), Ok(u64::MAX));
        let named = |why: Unknown, name| Err(why.of(Kind::PhpFpm, Some(name)));
        assert_eq!(of(&[Ok(1), Err(Unknown::Refused), Ok(2)]), named(Unknown::Refused, "b"));
        let both = [Err(Unknown::Refused), Ok(0), Err(Unknown::Status(404))];
        assert_eq!(of(&both), named(Unknown::Status(404), "c"));
    }

    #[test]
    fn all_are_asked_at_the_same_time_and_answer_in_order() {
        let question = |n: u64| {
            (n != 7).then_some(move || {
                thread::sleep(Duration::from_millis(200 - n));
                Ok(n)
            })
        };
        let began = Instant::now();
        let answers = at_once((0..40).map(question).collect());
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert!(answers.into_iter().eq((0..40).map(|n: u64| (n != 7).then_some(Ok(n)))));
    }
}
