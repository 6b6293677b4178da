//! What is known of a running HHVM's configuration.

use super::options::{Options, ServerType};
use super::origin::{Cause, Origin};
use crate::endpoint::Protocol;
use crate::problem::Problem;
use std::path::PathBuf;

/// So many remarks are kept.
const REMARKS_MAX: usize = 20;

/// What is known of an HHVM.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hhvm {
    /// Its options, each with its origin.
    pub options: Options,
    /// What was not read or not understood, and what HHVM takes for something else than it looks like.
    pub remarks: Vec<Cause>,
    /// How many more of these there were.
    pub more_remarks: usize,
    /// Files that were changed after the process had started, so that it may have read others.
    pub edited_since: Vec<PathBuf>,
}

impl Hhvm {
    /// An HHVM of which nothing is known.
    #[must_use]
    pub fn unknown(why: &str) -> Self {
        let mut hhvm = Self::default();
        hhvm.forget(Cause { origin: Origin::Start, why: why.to_owned() });
        hhvm
    }

    pub(super) fn remark(&mut self, cause: Cause) {
        if self.remarks.contains(&cause) {
            return;
        }
        if self.remarks.len() < REMARKS_MAX {
            self.remarks.push(cause);
        } else {
            self.more_remarks += 1;
        }
    }

    /// HHVM takes no notice of this name; whoever wrote it has meant something, though.
    pub(super) fn ignored(&mut self, name: &str, origin: Origin) {
        let why = format!("{name} is not a name that HHVM reads here");
        let cause = Cause { origin, why };
        self.options.doubt(&cause);
        self.remark(cause);
    }

    pub(super) fn forget(&mut self, cause: Cause) {
        self.options.forget(&cause);
        self.remark(cause);
    }

    /// The remarks, for people.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let warning = |cause: &Cause| Problem::warning((&cause.origin).into(), cause.why.clone());
        let more = format!("{} more warnings about HHVM's configuration", self.more_remarks);
        let more = Problem::warning((&Origin::Start).into(), more);
        self.remarks.iter().map(warning).chain((self.more_remarks > 0).then_some(more)).collect()
    }

    /// Both servers speak the language of `Server.Type`; none where it is not known.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        match self.options.server_type.or_default(ServerType::Proxygen)? {
            ServerType::FastCgi => Some(Protocol::FastCgi),
            ServerType::Proxygen | ServerType::LibEvent => Some(Protocol::Http),
        }
    }
}
