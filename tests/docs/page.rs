//! Reads a manual page's mdoc source, as far as these tests need it, and tables in Markdown.

use crate::text;

/// A manual page.
pub struct Page(String);

impl Page {
    /// The page in the file `name`.
    pub fn open(name: &str) -> Self {
        Self(text(name).replace("\\(dq", "\""))
    }

    /// The lines of the section with this heading.
    pub fn section(&self, heading: &str) -> Vec<&str> {
        let start = format!(".Sh {heading}");
        let lines: Vec<&str> = self
            .0
            .lines()
            .skip_while(|line| *line != start)
            .skip(1)
            .take_while(|l| !l.starts_with(".Sh "))
            .collect();
        assert!(!lines.is_empty(), "there is no section {heading}");
        lines
    }

    /// The items of a section whose first macro is `kind`: all words after it.
    pub fn items(&self, heading: &str, kind: &str) -> Vec<Vec<&str>> {
        self.section(heading)
            .into_iter()
            .filter_map(|line| line.strip_prefix(".It "))
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|words| kind.is_empty() || words[0] == kind)
            .map(|words| words[usize::from(!kind.is_empty())..].to_vec())
            .collect()
    }

    /// The first words of [`Page::items`].
    pub fn names(&self, heading: &str, kind: &str) -> Vec<&str> {
        self.items(heading, kind).into_iter().map(|words| words[0]).collect()
    }

    /// All words of the page that follow the macro `name`.
    pub fn after(&self, name: &str) -> Vec<&str> {
        let words: Vec<&str> = self.0.split_whitespace().collect();
        let is_macro = |word: &str| word.trim_start_matches('.') == name;
        words.windows(2).filter(|pair| is_macro(pair[0])).map(|pair| pair[1]).collect()
    }

    /// The text between `.Bd -literal` and `.Ed`, each.
    pub fn literals(&self) -> Vec<String> {
        let displays = self.0.split(".Bd -literal").skip(1);
        displays
            .map(|display| {
                let (_, lines) = display.split_once('\n').unwrap();
                lines.split(".Ed").next().unwrap().to_owned()
            })
            .collect()
    }

    /// The version in the footer.
    pub fn version(&self) -> &str {
        self.0.lines().find_map(|line| line.strip_prefix(".Os hhvm-drain ")).unwrap()
    }
}

/// The rows of the README's table whose first column is called `first`, without head and marks.
pub fn table(first: &str) -> Vec<Vec<String>> {
    let readme = text("README.md");
    let head = format!("| {first} |");
    let rows = readme.lines().skip_while(|line| !line.starts_with(&head)).skip(2);
    let rows: Vec<Vec<String>> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').skip(1).map(|cell| cell.trim().trim_matches('`').to_owned()).collect())
        .collect();
    assert!(!rows.is_empty(), "the README has no table of {first}s");
    rows
}

/// The blocks of the README in this language, without their indentation.
pub fn blocks(language: &str) -> Vec<String> {
    let readme = text("README.md");
    let mut found = Vec::new();
    let mut lines = readme.lines().map(str::trim_start);
    while let Some(line) = lines.next() {
        if line == format!("```{language}") {
            found.push(lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>().join("\n"));
        } else if line.starts_with("```") {
            lines.by_ref().find(|line| *line == "```");
        }
    }
    assert!(!found.is_empty(), "the README has no block of {language}");
    found
}
