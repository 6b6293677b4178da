//! The figures as a table, and where they are kept.

use crate::worker::Figures;
use std::fs;

const HEAD: &str = "| command | calls | killed | failing | missed | longest run | ext4 | XFS | btrfs | booted | took |\n\
                    |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";

/// A line for each case, and their sum.
pub fn table(all: &[Figures]) -> String {
    let line = |name: &str, figures: &Figures| {
        let Figures {
            points,
            killed,
            failed,
            missed,
            longest,
            cuts: [ext4, xfs, btrfs],
            booted,
            seconds,
            ..
        } = figures;
        let runs = format!("{points} | {killed} | {failed} | {missed} | {longest} ms");
        format!("| {name} | {runs} | {ext4} | {xfs} | {btrfs} | {booted} | {seconds} s |\n")
    };
    let lines: String = all.iter().map(|figures| line(&format!("`{}`", figures.name), figures)).collect();
    let sum = all.iter().fold(Figures::default(), |sum, figures| Figures {
        points: sum.points + figures.points,
        killed: sum.killed + figures.killed,
        failed: sum.failed + figures.failed,
        missed: sum.missed + figures.missed,
        longest: sum.longest.max(figures.longest),
        cuts: std::array::from_fn(|at| sum.cuts[at] + figures.cuts[at]),
        booted: sum.booted + figures.booted,
        seconds: sum.seconds + figures.seconds,
        ..sum
    });
    format!("{HEAD}{lines}{}", line("all", &sum))
}

const BEGIN: &str = "<!-- made by make faults -->\n";
const END: &str = "<!-- end of what make faults made -->\n";

/// Puts the table into `tests/FAULTS.md`, in place of the last one.
pub fn write(all: &[Figures]) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/FAULTS.md");
    let text = fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    fs::write(path, format!("{before}{BEGIN}{}{END}{after}", table(all))).unwrap();
}
