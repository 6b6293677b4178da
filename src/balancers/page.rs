//! A page that has one text while requests are sent here, and another while not.

use super::reader::{Reader, single};
use super::web::Pages;
use crate::context::Root;
use crate::row::{Sends, Unclear, View};
use crate::settings::balancer::Web;
use std::time::Instant;

/// Asks one page.
pub(super) struct Page {
    pages: Pages,
    out: String,
    into: String,
}

impl Page {
    /// `texts` are those for "out" and "in".
    pub(super) fn at(web: Web, root: Root, texts: (String, String)) -> Self {
        Self { pages: Pages::of(web, root), out: texts.0, into: texts.1 }
    }
}

impl Reader for Page {
    fn view(&mut self, deadline: Instant) -> Result<View, Unclear> {
        let page = self.pages.get("", deadline)?;
        tell(&page, &self.out, &self.into).map(single).ok_or(Unclear::NeitherText)
    }
}

/// Which one of the texts the page has; none if it has neither, or both.
///
/// One may be part of the other, as "pooled" is of "not pooled": what the longer one covers does not count for the
/// shorter one.
pub(super) fn tell(page: &str, out: &str, into: &str) -> Option<Sends> {
    let (longer, shorter) = if out.len() >= into.len() { (out, into) } else { (into, out) };
    let has_shorter = page.split(longer).any(|rest| rest.contains(shorter));
    let has = |text: &str| if text == longer { page.contains(longer) } else { has_shorter };
    match (has(out), has(into)) {
        (true, false) => Some(Sends::No),
        (false, true) => Some(Sends::Yes),
        (true, true) | (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_may_be_part_of_the_other() {
        let pybal = |page| tell(page, "not pooled", "/pooled");
        assert_eq!(pybal("enabled/up/pooled"), Some(Sends::Yes));
        assert_eq!(pybal("enabled/down/not pooled"), Some(Sends::No));
        assert_eq!(pybal("no such server"), None);
        assert_eq!(tell("not pooled", "not pooled", "pooled"), Some(Sends::No));
        assert_eq!(tell("pooled", "not pooled", "pooled"), Some(Sends::Yes));
        assert_eq!(tell("web1 pooled, web2 not pooled", "not pooled", "pooled"), None, "of two nodes");
        assert_eq!(tell("HcFl", "HcFl", "Ok"), Some(Sends::No));
        assert_eq!(tell("inactive", "active", "inactive"), Some(Sends::Yes));
    }
}
