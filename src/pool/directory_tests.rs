//! Renames of every kind that a file system may need, and what has a name.

use super::*;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// One way to rename without replacing.
type Way = fn(&Directory, &OsStr, &OsStr) -> rustix::io::Result<()>;

const WAYS: [Way; 3] = [Directory::rename_once, Directory::link_and_unlink, Directory::reserve_and_rename];

fn directory(files: &[(&str, &str)]) -> (tempfile::TempDir, Directory) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let directory = Directory::open(&Root::new("/".into()), dir.path()).unwrap();
    (dir, directory)
}

fn names(dir: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(dir.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_rename_never_replaces() {
    for way in WAYS {
        let (dir, directory) = directory(&[("a", "a"), ("b", "b")]);
        fs::create_dir(dir.path().join("d")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("l")).unwrap();
        for taken in ["b", "d", "l"] {
            assert_eq!(way(&directory, "a".as_ref(), taken.as_ref()), Err(Errno::EXIST), "{taken}");
        }
        assert_eq!(fs::read_to_string(dir.path().join("b")).unwrap(), "b");
        let inode = dir.path().join("a").metadata().unwrap().ino();
        way(&directory, "a".as_ref(), "c".as_ref()).unwrap();
        assert_eq!(dir.path().join("c").metadata().unwrap().ino(), inode);
        assert_eq!(names(&dir), ["b", "c", "d", "l"]);
    }
}

#[test]
fn a_rename_that_fails_leaves_no_trace() {
    for way in WAYS {
        let (dir, directory) = directory(&[("b", "b")]);
        assert_eq!(way(&directory, "a".as_ref(), "c".as_ref()), Err(Errno::NOENT));
        assert_eq!(names(&dir), ["b"]);
    }
}

#[test]
fn what_replaces_a_placeholder_is_left_alone() {
    let (dir, directory) = directory(&[("a", "a")]);
    for text in ["deployed", "hhvm-drain holds this name for the moment of a change\n"] {
        directory.reserve("b".as_ref()).unwrap();
        fs::write(dir.path().join("new"), text).unwrap();
        fs::rename(dir.path().join("new"), dir.path().join("b")).unwrap();
        let result = directory.rename_over_placeholder("a".as_ref(), "b".as_ref());
        assert_eq!(result, Err(Errno::EXIST));
        assert_eq!(fs::read_to_string(dir.path().join("b")).unwrap(), text);
        assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "a");
        fs::remove_file(dir.path().join("b")).unwrap();
    }
}

#[test]
fn what_is_written_into_a_placeholder_is_left_alone() {
    let (dir, directory) = directory(&[("a", "a")]);
    directory.reserve("b".as_ref()).unwrap();
    fs::write(dir.path().join("b"), "deployed").unwrap();
    assert_eq!(directory.rename_over_placeholder("a".as_ref(), "b".as_ref()), Err(Errno::EXIST));
    assert_eq!(fs::read_to_string(dir.path().join("b")).unwrap(), "deployed");
}

#[test]
fn a_placeholder_that_a_power_cut_left_counts_as_nothing() {
    let (dir, directory) = directory(&[("s", "alive")]);
    directory.reserve("s.disabled".as_ref()).unwrap();
    assert_eq!(directory.look("s.disabled".as_ref()).unwrap(), Entry::Placeholder);
    assert_eq!(directory.free_name("s".as_ref()).unwrap(), "s.disabled");
    directory.rename("s".as_ref(), "s.disabled".as_ref()).unwrap();
    assert_eq!(names(&dir), ["s.disabled"]);
    assert_eq!(fs::read_to_string(dir.path().join("s.disabled")).unwrap(), "alive");
}

#[test]
fn a_placeholder_is_one_from_the_moment_it_is_made_and_an_empty_file_is_none() {
    let (_dir, directory) = directory(&[("empty", "")]);
    directory.create("held".as_ref(), PLACEHOLDER_MODE).unwrap();
    assert_eq!(directory.look("held".as_ref()).unwrap(), Entry::Placeholder);
    assert!(directory.look("empty".as_ref()).unwrap().file().is_some());
}

#[test]
fn a_placeholder_whose_text_had_not_come_to_the_disk_is_one() {
    let (dir, directory) = directory(&[("zeros", &"\0".repeat(PLACEHOLDER.len()))]);
    assert!(directory.look("zeros".as_ref()).unwrap().file().is_some(), "it has the mode of any file");
    directory.reserve("held".as_ref()).unwrap();
    fs::write(dir.path().join("held"), vec![0; PLACEHOLDER.len()]).unwrap();
    assert_eq!(directory.look("held".as_ref()).unwrap(), Entry::Placeholder);
}

#[test]
fn a_taken_name_gets_a_number_whatever_has_it() {
    let (dir, directory) = directory(&[("s.disabled", "")]);
    fs::create_dir(dir.path().join("s.disabled.1")).unwrap();
    nix::unistd::mkfifo(&dir.path().join("s.disabled.2"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("s.disabled.3")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("s.disabled.4")).unwrap();
    for number in 5..=9 {
        let name = directory.free_name("s".as_ref()).unwrap();
        assert_eq!(name, *format!("s.disabled.{number}"));
        fs::write(dir.path().join(name), "").unwrap();
    }
    let error = directory.free_name("s".as_ref()).unwrap_err().to_string();
    assert!(error.contains("s.disabled and the same name with .1 to .9 already exist"), "{error}");
}

#[test]
fn what_has_a_name_is_told_apart() {
    let (dir, directory) = directory(&[("file", "x")]);
    std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
    fs::create_dir(dir.path().join("directory")).unwrap();
    let look = |name: &str| directory.look(name.as_ref()).unwrap();
    assert!(look("file").file().is_some() && look("link").file().is_some());
    assert_eq!(look("directory"), Entry::NoFile);
    assert_eq!(look("nothing"), Entry::Absent);
}
