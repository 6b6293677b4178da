//! HAProxy's statistics page as a table: the URL with `;csv` (management.txt, 9.1).

use super::reader::{Reader, left};
use super::web::Pages;
use crate::context::Root;
use crate::row::{Mine, Table, Unclear, View};
use crate::settings::balancer::Web;
use std::time::Instant;

/// Makes a table of the page.
const CSV: &str = ";csv";

/// Asks one page. It tells no process: a reload shows by rows that have changed not long ago.
pub(super) struct Statistics {
    pages: Pages,
    suffix: &'static str,
    mine: Mine,
    is_located: bool,
}

impl Statistics {
    pub(super) fn at(web: Web, root: Root, mine: Mine) -> Self {
        let suffix = if web.path.ends_with(CSV) { "" } else { CSV };
        Self { pages: Pages::of(web, root), suffix, mine, is_located: false }
    }
}

impl Reader for Statistics {
    fn view(&mut self, deadline: Instant) -> Result<View, Unclear> {
        if !self.is_located {
            self.mine.is_local = self.pages.is_local(&self.mine.here.addresses);
            self.is_located = true;
            left(deadline)?;
        }
        let table = Table::read(&self.pages.get(self.suffix, deadline)?)?;
        Ok(View { process: table.process, rows: self.mine.of(table.rows)? })
    }
}
