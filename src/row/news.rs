//! What has changed at a balancer, in words for the log.

use super::Unclear;
use crate::text::seconds;
use std::time::Duration;

/// What has changed at a balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It sends no new requests here.
    Out,
    /// It does again: which row says so.
    SendsAgain(String),
    /// It is not known what it does.
    Unclear(Unclear),
    /// Nothing comes any more from any balancer.
    Confirmed,
    /// It sent requests here until the end of the drain.
    StillSending,
    /// The node is back, and so long after, all of them send requests here again.
    Back(Duration),
    /// The node is back, and so long after, it sends none to this row.
    NotBack(String, Duration),
    /// The node is back, and it is not known whether it sends requests.
    BackUnclear(Unclear),
}

impl News {
    /// What is told of the balancer called `name`.
    #[must_use]
    pub fn of(&self, name: &str) -> String {
        match self {
            Self::Out => format!("{name} sends no new requests here any more"),
            Self::SendsAgain(row) => format!("{name} sends requests here again ({row})"),
            Self::Unclear(why) => {
                format!("{name}: it is not known whether it sends requests here ({why}); min-drain applies")
            }
            Self::Confirmed => {
                "no load balancer sends requests here any more, and none is on its way; not waiting for min-drain"
                    .to_owned()
            }
            Self::StillSending => format!(
                "{name} still sent requests here at the end; check that it requests the health file, or raise timeout"
            ),
            Self::Back(time) => {
                format!("every load balancer sends requests here as before, {} after this node was back", seconds(*time))
            }
            Self::NotBack(row, time) => format!(
                "{name} sends no requests here yet, {} after this node was back ({row}); not waiting any longer",
                seconds(*time)
            ),
            Self::BackUnclear(why) => {
                format!("{name}: it is not known whether it sends requests here again ({why})")
            }
        }
    }

    /// So long after the node was back, if that is told.
    #[must_use]
    pub fn after(&self) -> Option<Duration> {
        match self {
            Self::Back(time) | Self::NotBack(_, time) => Some(*time),
            _ => None,
        }
    }

    /// Whether this is about a node that is back.
    #[must_use]
    pub fn is_of_return(&self) -> bool {
        matches!(self, Self::Back(_) | Self::NotBack(..) | Self::BackUnclear(_))
    }

    /// Whether something is not as it should be.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        match self {
            Self::SendsAgain(_)
            | Self::Unclear(_)
            | Self::StillSending
            | Self::NotBack(..)
            | Self::BackUnclear(_) => true,
            Self::Out | Self::Confirmed | Self::Back(_) => false,
        }
    }
}
