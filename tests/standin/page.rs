//! The pages: `status.php` as its file says, and pages that take as long as they are told.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::message::{Request, Response};
use crate::options::Options;
use crate::server::Service;

/// The page server's side of a request.
pub struct Page {
    source_root: PathBuf,
}

impl Page {
    pub fn new(options: &Options) -> Self {
        Self { source_root: options.source_root.clone() }
    }

    /// The file that HHVM would run.
    fn file(&self, request: &Request) -> PathBuf {
        if let Some(file) = request.param("SCRIPT_FILENAME") {
            return file.into();
        }
        let root = request.param("DOCUMENT_ROOT").map_or(self.source_root.as_path(), Path::new);
        root.join(request.path.trim_start_matches('/'))
    }
}

impl Service for Page {
    fn answer(&self, request: &Request) -> Response {
        let ms = request.query_value("ms").and_then(|ms| ms.parse().ok());
        if let Some(ms) = ms {
            // The request is this sleep: it stands for PHP at work.
            thread::sleep(Duration::from_millis(ms));
        }
        let file = self.file(request);
        let health = file.file_name().is_some_and(|name| name == "status.php");
        let (status, body) = match ms {
            Some(ms) if !health => (200, format!("worked {ms} ms\n")),
            _ if !file.is_file() => (404, "404 File Not Found".into()),
            _ if health => (200, "1-AM-ALIVE".into()),
            _ => (200, String::new()),
        };
        Response { content_type: "text/html; charset=utf-8", ..Response::text(status, body) }
    }
}
