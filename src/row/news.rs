//! What has changed at a balancer, in words for the log.

use super::Unclear;

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
        }
    }

    /// Whether something is not as it should be.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        match self {
            Self::SendsAgain(_) | Self::Unclear(_) | Self::StillSending => true,
            Self::Out | Self::Confirmed => false,
        }
    }
}
