//! A line of the output of `check`.

use crate::problem::{Problem, Severity};
use crate::text::clean;
use std::fmt;

/// One line of the answer.
#[derive(Debug)]
pub(super) struct Finding {
    /// None if all is well.
    pub(super) severity: Option<Severity>,
    pub(super) text: String,
}

pub(super) fn good(text: impl Into<String>) -> Finding {
    Finding { severity: None, text: text.into() }
}

pub(super) fn warning(text: impl Into<String>) -> Finding {
    Finding { severity: Some(Severity::Warning), text: text.into() }
}

pub(super) fn error(text: impl Into<String>) -> Finding {
    Finding { severity: Some(Severity::Error), text: text.into() }
}

impl From<Problem> for Finding {
    fn from(problem: Problem) -> Self {
        Self { severity: Some(problem.severity), text: problem.to_string() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.severity {
            None => "ok     ",
            Some(Severity::Warning) => "warning",
            Some(Severity::Error) => "ERROR  ",
        };
        write!(f, "{mark}  {}", clean(&self.text))
    }
}
