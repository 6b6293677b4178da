//! What befalls the host once the node is out: a deploy that touches the health file, or a crash of the server.

use crate::draw::{Deploy, Draw, Health, Meanwhile};

/// Is there once it has happened.
pub const DEPLOYED: &str = "/var/tmp/deployed";
/// The same of the crash.
pub const CRASHED: &str = "/var/tmp/crashed";
/// What a deploy brings.
const NEW: &str = "deployed";

impl Draw {
    /// The file that a deploy finds moved away.
    fn deployed_file(&self) -> &'static str {
        match self.health {
            Health::Current => "/srv/app/releases/1/status.php",
            _ => self.health_files()[0],
        }
    }

    /// Shell commands of the deploy, which waits for the node to be out.
    pub fn deploy_commands(&self) -> Option<String> {
        let file = self.deployed_file();
        let change = match self.deploy {
            Deploy::None => return None,
            Deploy::PutsBack => format!("echo {NEW} >{file}"),
            Deploy::Cleans => format!("rm -f {file}.disabled"),
            Deploy::Switches => format!(
                "mkdir /srv/app/releases/2; echo {NEW} >/srv/app/releases/2/status.php; \
                 ln -s releases/2 /srv/app/next; mv -T /srv/app/next /srv/app/current"
            ),
        };
        Some(format!(
            "until [ -L {file}.disabled ] || [ -e {file}.disabled ]; do sleep 0.05; done; sleep 0.5; {change}; touch {DEPLOYED}"
        ))
    }

    /// Shell commands of the crash, which waits for the same; `list` prints the server's processes.
    pub fn crash_commands(&self, list: &str) -> Option<String> {
        let file = self.health_files()[0];
        (self.meanwhile == Meanwhile::Crash).then(|| {
            format!(
                "until [ ! -e {file} ]; do sleep 0.05; done; sleep 0.5; \
                 kill -KILL $({list} | cut -d' ' -f1); touch {CRASHED}"
            )
        })
    }

    /// What is wrong with the files around the health file, as `files` of the visit lists them, before and after.
    pub fn what_is_lost(&self, was_deployed: bool, before: &str, after: &str) -> Result<(), String> {
        let missing = |lines: &str, of: &str| -> Vec<String> {
            of.lines().filter(|line| !lines.lines().any(|other| other == *line)).map(str::to_owned).collect()
        };
        let (gone, new) = (missing(after, before), missing(before, after));
        let is_as_expected = match self.deploy {
            Deploy::PutsBack if was_deployed => {
                let content = |line: &&String| line.split(' ').next().is_some_and(|sum| sum.len() == 64);
                // What was there has another name at most.
                gone.iter().filter(content).all(|line| after.contains(&line[..64]))
                    && new.iter().any(|line| line.ends_with(&format!("  {}", self.deployed_file())))
            }
            Deploy::Switches if was_deployed => {
                gone.iter().all(|line| line.contains("/srv/app/current -> "))
                    && new.iter().all(|line| line.contains("releases/2"))
                    && new.iter().any(|line| line.ends_with("  /srv/app/releases/2/status.php"))
            }
            _ => gone.is_empty() && new.is_empty(),
        };
        if is_as_expected { Ok(()) } else { Err(format!("files have changed: gone {gone:#?}, new {new:#?}")) }
    }
}
