//! The tree of names and values that HHVM makes of its hdf files and of `-v` (`hphp/neo/neo_hdf.c`).

use super::origin::{Cause, Origin};
use super::value::Text;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

/// So many bytes of names and values, more than any configuration has: copies of copies grow without end.
const SIZE_MAX: usize = 1 << 20;
/// What a node takes beside them.
const NODE_SIZE: usize = 64;
/// More than are ever told.
const CAUSES_MAX: usize = 32;
/// Links that lead to links.
const LINKS_MAX: usize = 16;

/// A name, with the dots.
pub type Name = Vec<u8>;

/// Where lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A word of the command line.
    Word(String),
}

impl Source {
    /// The place of the line, from 1.
    #[must_use]
    pub fn at(&self, line: usize) -> Origin {
        match self {
            Self::File(path) => Origin::File(path.clone(), line),
            Self::Word(word) => Origin::CommandLine(word.clone()),
        }
    }
}

/// A line of a source.
pub type Spot = (Rc<Source>, usize);

#[derive(Debug, Clone)]
struct Node {
    content: Content,
    spot: Spot,
    /// When it was set, among all.
    at: usize,
}

#[derive(Debug, Clone)]
enum Content {
    /// Only its children have values.
    Nothing,
    Value(Text),
    /// `name : other`: the other is meant, with its children.
    Link(Name),
}

/// What the tree says of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing.
    Silent,
    /// A value, and where it stands.
    Value(Text, Origin),
    /// It cannot be told.
    Unknown(Cause),
}

/// All that hdf files and `-v` have set.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    nodes: BTreeMap<Name, Node>,
    /// Why names that are not in the tree may have values all the same.
    doubt: Option<Cause>,
    /// All that was not understood.
    pub(super) causes: Vec<Cause>,
    size: usize,
    count: usize,
    numbers: usize,
}

impl Tree {
    /// Anything may have been set to anything.
    pub fn forget(&mut self, cause: Cause) {
        self.nodes.clear();
        self.note(&cause);
        self.doubt = Some(cause);
    }

    /// What is not set may have been set.
    pub fn doubt(&mut self, cause: Cause) {
        self.note(&cause);
        self.doubt.get_or_insert(cause);
    }

    fn note(&mut self, cause: &Cause) {
        if self.causes.len() < CAUSES_MAX && !self.causes.contains(cause) {
            self.causes.push(cause.clone());
        }
    }

    /// A number that no other `*` in a name stands for.
    pub(super) fn next_number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers - 1
    }

    /// Where something stands that sets `name`, or a name below it.
    #[must_use]
    pub fn place(&self, name: &[u8]) -> Option<Origin> {
        let name = self.resolved(name)?;
        let node = self.nodes.get(&name).or_else(|| self.below(&name).next().map(|(_, node)| node))?;
        let (source, line) = &node.spot;
        Some(source.at(*line))
    }

    /// Whether there is such a place.
    #[must_use]
    pub fn has(&self, name: &[u8]) -> bool {
        self.place(name).is_some()
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Answer {
        let node = self.resolved(name).and_then(|name| self.nodes.get(&name));
        match (node, &self.doubt) {
            (Some(Node { content: Content::Value(text), spot: (source, line), .. }), _) => {
                Answer::Value(text.clone(), source.at(*line))
            }
            (_, Some(cause)) => Answer::Unknown(cause.clone()),
            _ => Answer::Silent,
        }
    }

    /// The value of that child of `name` that was set last.
    #[must_use]
    pub fn last_child(&self, name: &[u8]) -> Answer {
        let Some(name) = self.resolved(name) else { return Answer::Silent };
        let children = self.below(&name).filter(|(child, _)| !child[name.len() + 1..].contains(&b'.'));
        match (children.max_by_key(|(_, node)| node.at), &self.doubt) {
            (Some((child, _)), _) => self.get(child),
            (None, Some(cause)) => Answer::Unknown(cause.clone()),
            (None, None) => Answer::Silent,
        }
    }

    /// `name = value`. As with all of these, none where the tree would grow too large, or has no such place.
    pub(super) fn set(&mut self, name: &[u8], value: Text, spot: &Spot) -> Option<()> {
        self.put(name, Content::Value(value), spot)
    }

    /// `name : other`.
    pub(super) fn link(&mut self, name: &[u8], other: &[u8], spot: &Spot) -> Option<()> {
        self.put(name, Content::Link(other.to_vec()), spot)
    }

    /// `name {`.
    pub(super) fn open(&mut self, name: &[u8], spot: &Spot) -> Option<()> {
        if self.has(name) { Some(()) } else { self.put(name, Content::Nothing, spot) }
    }

    /// `name := other`; what `name` has already stays.
    pub(super) fn copy(&mut self, name: &[u8], other: &[u8], spot: &Spot) -> Option<()> {
        let other = self.resolved(other)?;
        if !self.has(name) {
            let content = self.nodes.get(&other).map_or(Content::Nothing, |node| node.content.clone());
            self.put(name, content, spot)?;
        }
        self.copy_children(&[name, b"."].concat(), &other, spot)
    }

    /// `@other`, below `prefix`, which ends in a dot or is empty.
    pub(super) fn splice(&mut self, prefix: &[u8], other: &[u8], spot: &Spot) -> Option<()> {
        let other = self.resolved(other)?;
        self.copy_children(prefix, &other, spot)
    }

    fn copy_children(&mut self, prefix: &[u8], other: &[u8], spot: &Spot) -> Option<()> {
        if self.size > SIZE_MAX {
            return None;
        }
        let children = self.below(other);
        let copies: Vec<_> = children
            .map(|(child, node)| ([prefix, &child[other.len() + 1..]].concat(), node.content.clone()))
            .collect();
        copies.into_iter().try_for_each(|(child, content)| self.put(&child, content, spot))
    }

    fn put(&mut self, name: &[u8], content: Content, spot: &Spot) -> Option<()> {
        let (parent, last) = match name.iter().rposition(|byte| *byte == b'.') {
            Some(dot) => (self.resolved(&name[..dot])?, &name[dot + 1..]),
            None => (Vec::new(), name),
        };
        let name = if parent.is_empty() { last.to_vec() } else { [&parent, &b"."[..], last].concat() };
        let content_size = match &content {
            Content::Value(Text::Known(value)) => value.len(),
            Content::Link(other) => other.len(),
            Content::Value(Text::Unknown(_)) | Content::Nothing => 0,
        };
        self.size += NODE_SIZE + name.len() + content_size;
        if last.is_empty() || self.size > SIZE_MAX {
            return None;
        }
        self.count += 1;
        self.nodes.insert(name, Node { content, spot: spot.clone(), at: self.count });
        Some(())
    }

    fn below<'a>(&'a self, name: &[u8]) -> impl Iterator<Item = (&'a Name, &'a Node)> + use<'a> {
        let start = [name, b"."].concat();
        self.nodes.range(start.clone()..).take_while(move |(child, _)| child.starts_with(&start))
    }

    /// The name without links; none where links lead nowhere, or a part of the name is empty.
    fn resolved(&self, name: &[u8]) -> Option<Name> {
        let mut name = name.to_vec();
        for _ in 0..LINKS_MAX {
            let dots = name.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
            let mut ends = dots.chain([name.len()]);
            let link = ends.find_map(|end| match self.nodes.get(&name[..end]) {
                Some(Node { content: Content::Link(other), .. }) => Some((end, other)),
                _ => None,
            });
            let Some((end, other)) = link else {
                let is_whole = name.split(|byte| *byte == b'.').all(|part| !part.is_empty());
                return is_whole.then_some(name);
            };
            name = [other, &name[end..]].concat();
        }
        None
    }
}
