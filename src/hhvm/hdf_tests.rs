//! Literal hdf files, after `_hdf_read_string`, `_set_value`, `hdf_copy` and `_walk_hdf` of `hphp/neo/neo_hdf.c`.

use super::super::origin::Origin;
use super::super::tree::Answer;
use super::*;
use std::ffi::OsString;

/// `/dir/b.hdf`, `/dir/bad.hdf`, and one that includes itself.
struct Others;

impl Files for Others {
    fn read(&mut self, name: &Path, _: Option<&Path>) -> Result<Rc<[u8]>, Missing> {
        match name.to_str().unwrap() {
            "/dir/b.hdf" => Ok(b"Port = 2\n"[..].into()),
            "/dir/bad.hdf" => Ok(b"Port = 3\n?\n"[..].into()),
            "/dir/self.hdf" => Ok(b"#include self.hdf\n"[..].into()),
            "/dir/gone.hdf" => Err(Missing::Absent),
            _ => Err(Missing::Unreadable("cannot be read (odd)".to_owned())),
        }
    }

    fn list(&mut self, _: &Path) -> Result<Vec<OsString>, Missing> {
        Ok(Vec::new())
    }
}

fn tree(text: impl AsRef<[u8]>) -> Tree {
    let mut tree = Tree::default();
    read_file(&mut tree, &mut Others, Path::new("/dir/a.hdf"), text.as_ref());
    tree
}

/// The value of `name` and its line, or why there is none.
fn get(tree: &Tree, name: &str) -> String {
    match tree.get(name.as_bytes()) {
        Answer::Silent => "silent".to_owned(),
        Answer::Value(Text::Known(value), origin) => {
            let place = match origin {
                Origin::File(path, line) if path == Path::new("/dir/a.hdf") => line.to_string(),
                origin => origin.to_string(),
            };
            format!("{} ({place})", String::from_utf8_lossy(&value))
        }
        Answer::Value(Text::Unknown(why), _) => format!("unknown: {why}"),
        Answer::Unknown(cause) => format!("unknown: {cause}"),
    }
}

#[test]
fn names_are_dotted_or_in_blocks_and_case_matters() {
    for text in [
        "Server.Port = 9000",
        "Server {\nPort = 9000\n}\n",
        "  Server\t{ what is here is passed over\n\tPort=9000  \n  }  \n",
        "Server {\r\n  Port = 9000\r\n}\r\n",
        "Server {\n}\nServer {\nIP = x\n}\nServer.Port = 1\nServer.Port = 9000\n",
        "A {\nB {\n}\n}\nServer {\n # Port = 1\nPort = 9000\n}\n",
    ] {
        assert!(get(&tree(text), "Server.Port").starts_with("9000 ("), "{text:?}");
        assert_eq!(get(&tree(text), "server.port"), "silent", "{text:?}");
    }
    assert_eq!(get(&tree("Server {\n\nPort = 9000\n}"), "Server.Port"), "9000 (3)");
}

#[test]
fn a_value_is_the_rest_of_its_line() {
    for (text, expected) in [
        ("a = \"9000\"", "\"9000\" (1)"),
        ("a = 9000 # x ; y", "9000 # x ; y (1)"),
        ("a =", " (1)"),
        ("a = b = c", "b = c (1)"),
        ("a = x\0y\nb = 1", "x (1)"),
        ("a << END\nfirst\n  second \nEND\nb = 1", "first\n  second \n (1)"),
        ("a << END\nfirst\nENDE\nEND", "first\nENDE\nEND (1)"),
        ("a != echo 9000", "unknown: a command sets it"),
        ("b = 2\na := b", "2 (2)"),
        ("a : b\nb = 2", "2 (2)"),
    ] {
        assert_eq!(get(&tree(text), "a"), expected, "{text:?}");
    }
    let latin = tree(b"# f\xfcr Kunden\na = \xfc\n");
    assert_eq!(latin.get(b"a"), Answer::Value(Text::Known(vec![0xfc]), Origin::File("/dir/a.hdf".into(), 2)));
}

#[test]
fn copies_take_what_is_there_and_links_what_will_be() {
    let base = "Base {\nPort = 1\nDeep {\nX = 2\n}\n}\n";
    for (text, name, expected) in [
        ("Server := Base", "Server.Deep.X", "2 (7)"),
        ("Server.Port = 9\nServer := Base", "Server.Port", "1 (8)"),
        ("Server {\n@Base\n}", "Server.Port", "1 (8)"),
        ("@Base", "Port", "1 (7)"),
        ("@None", "Port", "silent"),
        ("Server : Base\nBase.Port = 3", "Server.Port", "3 (8)"),
        ("Server : Base\nServer.Port = 4", "Base.Port", "4 (8)"),
        ("Server : Base\nServer {\nPort = 5\n}", "Base.Port", "5 (9)"),
        ("Server := Base\nBase.Port = 3", "Server.Port", "1 (7)"),
        ("Server := None", "Server.Port", "unknown: /dir/a.hdf:7: copies a node that does not exist"),
        (
            "A : B\nB : A\nA.X = 1",
            "Server.Port",
            "unknown: /dir/a.hdf:9: cannot parse the names in this line",
        ),
    ] {
        assert_eq!(get(&tree(format!("{base}{text}\n")), name), expected, "{text:?}");
    }
}

#[test]
fn stars_are_numbers_and_the_last_child_is_found() {
    let tree = tree("P {\n * = a\n * = b\n}\nP.x = c\nP.x.y = d\nQ.* = e\n");
    assert_eq!(
        (get(&tree, "P.0"), get(&tree, "P.1"), get(&tree, "Q.2")),
        ("a (2)".into(), "b (3)".into(), "e (7)".into())
    );
    assert_eq!(
        tree.last_child(b"P"),
        Answer::Value(Text::Known(b"c".to_vec()), Origin::File("/dir/a.hdf".into(), 5))
    );
    assert_eq!(tree.last_child(b"R"), Answer::Silent);
}

/// HHVM does not start with such a file, so it has read another one.
#[test]
fn a_mistake_makes_all_of_it_unknown() {
    for (text, line, why) in [
        ("a = 1\nPort\n", 2, "cannot parse this line"),
        ("a = 1\n= 2\n", 2, "cannot parse this line"),
        ("a = 1\n\"b\" = 2\n", 2, "cannot parse this line"),
        ("a = 1\nServer { Port = 9000 }\n", 2, "missing } at the end of a block"),
        ("a = 1\nServer {\nPort = 9000\n} # x\n", 4, "cannot parse this line"),
        ("a..b = 1\n", 1, "cannot parse the names in this line"),
        ("a. = 1\n", 1, "cannot parse the names in this line"),
        ("a [x] = 1\n", 1, "cannot parse this line"),
        ("a <<\n", 1, "missing end marker"),
        ("\u{feff}a = 1\n", 1, "cannot parse this line"),
    ] {
        assert_eq!(get(&tree(text), "a"), format!("unknown: /dir/a.hdf:{line}: {why}"), "{text:?}");
    }
    let line = if let Answer::Unknown(cause) = tree("{\n".repeat(40).replace('{', "a {")).get(b"a") {
        cause.why
    } else {
        String::new()
    };
    assert_eq!(line, "blocks are nested too deeply");
}

#[test]
fn behind_a_brace_too_many_or_a_zero_byte_nothing_is_read() {
    for text in ["a = 1\n}\nb = 2\n", "a = 1\n# \0\nb = 2\n"] {
        let tree = tree(text);
        assert_eq!(get(&tree, "a"), "1 (1)");
        assert_eq!(get(&tree, "b"), "unknown: /dir/a.hdf:2: HHVM ignores the rest of the file");
    }
}

#[test]
fn a_name_that_no_file_can_have_is_told_of_and_not_kept() {
    let long = format!("#include \"{}\"\n", "x".repeat(1 << 20));
    let told = get(&tree(&long), "Port");
    assert!(told.ends_with("the name of the included file is longer than one can be"), "{}", &told[..200]);
}

#[test]
fn files_are_included_where_they_are_named() {
    for (text, expected) in [
        ("#include b.hdf", "2 (/dir/b.hdf:1)"),
        ("#include \"b.hdf\"", "2 (/dir/b.hdf:1)"),
        ("Port = 1\n #include /dir/b.hdf ", "2 (/dir/b.hdf:1)"),
        ("#include b.hdf\nPort = 1", "1 (2)"),
        ("#includeb.hdf", "silent"),
        ("-include gone.hdf\nPort = 1", "1 (2)"),
        ("#include gone.hdf", "unknown: /dir/gone.hdf: not found"),
        ("-include odd.hdf", "unknown: /dir/odd.hdf: cannot be read (odd)"),
        ("#include bad.hdf", "unknown: /dir/bad.hdf:2: cannot parse this line"),
        ("-include bad.hdf", "3 (/dir/bad.hdf:1)"),
        ("#include self.hdf", "unknown: /dir/self.hdf:1: includes are nested too deeply"),
    ] {
        assert_eq!(get(&tree(text), "Port"), expected, "{text:?}");
    }
    assert_eq!(get(&tree("Server {\n#include b.hdf\n}"), "Server.Port"), "2 (/dir/b.hdf:1)");
    let mut word = Tree::default();
    read_word(&mut word, "-v x".to_owned(), b"#include /dir/b.hdf");
    assert_eq!(get(&word, "Port"), "unknown: HHVM's option -v x: cannot include a file here");
}

/// Copies of copies double with each line.
#[test]
fn the_tree_does_not_grow_without_end() {
    let doubled: Vec<String> =
        (0..60).map(|level| format!("a{0}.x := a{1}\na{0}.y := a{1}\n", level + 1, level)).collect();
    let doubled = doubled.concat();
    let tree = tree(format!("a0.z = {}\n{doubled}", "x".repeat(1000)));
    assert!(get(&tree, "Port").ends_with("cannot parse the names in this line"), "{}", get(&tree, "Port"));
}
