//! Every line form that a repmgr.conf may have.

use hg_repmgr::config::lexer::{Include, Lexed, Says, lex, write};
use hg_repmgr::config::settings;
use proptest::prelude::*;

fn lexed(text: impl AsRef<[u8]>) -> Lexed {
    lex(text.as_ref(), |word| settings::find(word).is_some())
}

/// `key=value` of each entry, and how many notices and faults there were.
fn summary(text: impl AsRef<[u8]>) -> (Vec<(String, String)>, usize, usize) {
    let lexed = lexed(text);
    let set = lexed
        .entries
        .into_iter()
        .map(|entry| match entry.says {
            Says::Set { key, value } => (key, value),
            Says::Include(way, path) => (format!("{way:?}"), path),
        })
        .collect();
    (set, lexed.notices.len(), lexed.faults.len())
}

#[test]
fn a_line_gives_its_value_whatever_its_form() {
    for (why, text, value, notices) in [
        ("bare", "log_file=/a/b", "/a/b", 0),
        ("spaces round the equals sign", "log_file = /a/b", "/a/b", 0),
        ("tabs", "\tlog_file\t=\t/a/b\t", "/a/b", 0),
        ("no equals sign, as PostgreSQL has it", "log_file '/a/b'", "/a/b", 0),
        ("no equals sign, bare", "log_file /a/b # c", "/a/b", 0),
        ("quoted", "log_file='/a/b'", "/a/b", 0),
        ("unquoted with spaces", "promote_command=repmgrd -d  -v", "repmgrd -d  -v", 0),
        ("comment behind a bare value", "log_level=INFO # c", "INFO", 0),
        ("comment without space", "log_level=INFO#c", "INFO", 0),
        ("comment behind a quoted value", "log_level='INFO'# c", "INFO", 0),
        ("no comment within quotes", "log_file='a # b'", "a # b", 0),
        ("doubled quote", "promote_command='a ''b'' c'", "a 'b' c", 0),
        ("backslash quote", r"promote_command='a \'b\' c'", "a 'b' c", 0),
        ("backslash backslash", r"promote_command='a\\b'", r"a\b", 0),
        ("other escapes", r"promote_command='a\tb\n\101\.c'", "a\tb\nA.c", 0),
        ("backslash in a bare value is itself", r"promote_command=a\tb", r"a\tb", 0),
        ("empty", "log_file=", "", 0),
        ("empty, quoted", "log_file=''", "", 0),
        ("only a quote", "log_file=''''", "'", 0),
        ("CRLF", "log_file='/a/b'\r\n", "/a/b", 0),
        ("BOM", "\u{feff}log_file=/a/b", "/a/b", 0),
        ("no line end at the end", "log_file=/a", "/a", 0),
        ("no-break space", "log_file\u{a0}=\u{a0}/a", "/a", 0),
        ("ideographic space", "log_file=/a\u{3000}# c", "/a", 0),
        ("// behind a bare value", "node_id=1   //节点ID", "1", 1),
        ("// behind a quoted value", "node_id='1'//节点ID", "1", 1),
        ("// within a word is no comment", "conninfo=postgresql://u@h/d", "postgresql://u@h/d", 0),
        ("/* */ behind a bare value", "node_id=1 /* c */", "1", 1),
        ("/* */ behind a quoted value", "node_id='1' /* c */ # d", "1", 1),
        ("a glob is no comment", "promote_command=rm /a/*", "rm /a/*", 0),
        ("a glob after a space is none either", "promote_command=ls /*", "ls /*", 0),
        ("typographic quotes of a word processor", "virtual_ip=’192.168.90.96’", "192.168.90.96", 1),
        ("a proper pair", "virtual_ip=‘192.168.90.96’ # c", "192.168.90.96", 1),
        ("typographic double quotes", "virtual_ip=“192.168.90.96”", "192.168.90.96", 1),
        ("one of the pair bent", "virtual_ip='192.168.90.96’", "192.168.90.96", 1),
        ("the other one bent", "virtual_ip=’192.168.90.96'", "192.168.90.96", 1),
        ("double quotes", "virtual_ip=\"192.168.90.96\"", "192.168.90.96", 1),
        ("a command that begins with a quoted word", "promote_command=\"/a b/c\" d", "\"/a b/c\" d", 0),
        (
            "over two lines",
            "promote_command='repmgr promote -f \n/a/b --log-to-file'",
            "repmgr promote -f /a/b --log-to-file",
            1,
        ),
        ("over three lines, CRLF", "promote_command='a\r\n  b\r\n  c'  # d", "a b c", 1),
        ("over two lines, typographic", "promote_command=’a\nb’", "a b", 1),
        (
            "a conninfo over two lines",
            "conninfo='host=a\nuser=b passfile=c\npassfile=d'",
            "host=a user=b passfile=c passfile=d",
            1,
        ),
    ] {
        let (set, found, faults) = summary(text);
        assert_eq!(set.len(), 1, "{why}: {set:?}");
        assert_eq!(set[0].1, value, "{why}");
        let split_typographic = why == "over two lines, typographic";
        assert_eq!((found, faults), (notices, 0), "{why}: {:?} {split_typographic}", lexed(text));
    }
}

#[test]
fn lines_that_set_nothing_are_passed_over_with_a_notice_where_one_is_due() {
    for (why, text, notices) in [
        ("comment", "# node_id=1", 0),
        ("indented comment", "   # node_id=1", 0),
        ("empty", "\n\n  \n", 0),
        ("C++ comment", "//repmgr或repmgrd命令连接数据库的连接串", 1),
        ("C comment", "/*repmgr日志设置*/", 1),
        ("C comment over lines", "/* a\n node_id=1\n b */", 1),
        ("C comment that is never closed ends with its line", "/* a", 2),
        ("prose", "Highgo用户", 1),
        ("prose with a number", "1.节点可用性方面", 1),
        ("prose that begins with a key", "priority is important", 1),
        ("prose that ends like a setting", "see node_id=1", 1),
        ("section", "[repmgr]", 1),
        ("a prompt", "[highgo@hgdbt1 ~]$ cat hg_repmgr.conf", 1),
        ("export", "export PGDATA=/a", 1),
        ("an equals sign alone", "= 1", 1),
    ] {
        let (set, found, faults) = summary(text);
        assert_eq!((set, found, faults), (vec![], notices, 0), "{why}");
    }
}

#[test]
fn what_cannot_be_understood_is_a_fault_and_the_next_line_is_read_all_the_same() {
    for (why, text) in [
        ("a quote that is never closed", "log_file='/a\nnode_id=1"),
        ("a quote that is never closed, prose between", "log_file='/a\n# c\nnode_id=1"),
        ("text behind the closing quote", "promote_command='a' b 'c'\nnode_id=1"),
        ("text behind a comment", "log_file='a' /* b */ c\nnode_id=1"),
        ("a NUL byte", "log_file='a\\0'\nnode_id=1"),
        ("a NUL byte as it is", "log_file='a\0'\nnode_id=1"),
    ] {
        let (set, _, faults) = summary(text);
        assert_eq!(set, vec![("node_id".to_owned(), "1".to_owned())], "{why}");
        assert_eq!(faults, 1, "{why}");
    }
    assert_eq!(summary(b"\xff\xfen\0o\0").2, 1, "UTF-16 is told, not read as prose");
    let many = format!("log_file='{}", "\nx".repeat(100));
    assert_eq!(summary(&many).2, 1, "a missing quote does not eat the file");
    assert_eq!(summary(format!("{many}'")).2, 1, "not even when one comes at last");
}

#[test]
fn a_comment_opened_behind_a_value_may_run_over_lines() {
    let (set, _, faults) = summary("node_id='1' /* a\nnode_name='x'\n*/ log_file=/a\nlocation=b");
    let keys: Vec<&str> = set.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!((keys, faults), (vec!["node_id", "log_file", "location"], 0));
}

#[test]
fn includes_are_entries_of_their_own_with_or_without_an_equals_sign() {
    let text = "include 'a.conf'\ninclude_if_exists = b.conf\ninclude_dir '/c d' # e\ninclude all of this\n";
    let ways: Vec<Says> = lexed(text).entries.into_iter().map(|entry| entry.says).collect();
    let want = [(Include::File, "a.conf"), (Include::IfExists, "b.conf"), (Include::Folder, "/c d")];
    assert_eq!(ways, want.map(|(way, path)| Says::Include(way, path.to_owned())));
}

#[test]
fn lines_are_counted_from_one_whatever_came_before() {
    let text = "/* a\nb */\n\npromote_command='a\nb'\nnode_id=1\r\nlog_file='x\n# z\nlocation=q";
    let lexed = lexed(text);
    let lines: Vec<usize> = lexed.entries.iter().map(|entry| entry.line).collect();
    assert_eq!(lines, [4, 6, 9]);
    assert_eq!(lexed.faults[0].line, 7);
}

#[test]
fn bytes_that_are_not_utf8_are_noticed_only_where_they_matter() {
    let gbk_comment = summary(b"node_id=1 # \xbd\xda\xb5\xe3\n");
    assert_eq!(
        gbk_comment,
        (vec![("node_id".into(), "1".into())], 0, 0),
        "a comment in GBK is nobody's business"
    );
    let (set, notices, faults) = summary(b"location='\xbd\xda'\n");
    assert_eq!((set.len(), notices, faults), (1, 1, 0));
}

#[test]
fn remarks_never_repeat_a_value() {
    let text =
        "conninfo='host=a password=hunter2\n\nnode_id=1\nconninfo='password=hunter2' x\npassword hunter2\n";
    assert!(!format!("{:?}", lexed(text).notices).contains("hunter2"));
    assert!(!format!("{:?}", lexed(text).faults).contains("hunter2"));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(key in "[a-z_][a-z0-9_]{0,20}", value in "[^\0]{0,60}") {
        prop_assume!(!key.starts_with("include"));
        let line = write(&key, &value);
        let (set, notices, faults) = summary(format!("# a\n{line}  # it's a comment\nnode_id=1\n"));
        prop_assert_eq!(&set[0], &(key, value));
        prop_assert_eq!((set.len(), notices, faults), (2, 0, 0));
    }

    #[test]
    fn no_bytes_make_the_lexer_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = lexed(bytes);
    }

    #[test]
    fn no_mixture_of_its_own_marks_makes_the_lexer_panic(
        parts in proptest::collection::vec(
            prop::sample::select(vec!["'", "''", "\\", "\\'", "\"", "’", "‘", "“", "/*", "*/", "//", "#", "=", "\n",
                "\r\n", " ", "node_id", "conninfo", "include", "[", "]", "用户", "\u{feff}", "\0", "7", "passfile="]),
            0..60,
        )
    ) {
        let text = parts.concat();
        let lexed = lexed(&text);
        let lines = text.split('\n').count();
        for entry in &lexed.entries {
            prop_assert!(entry.line >= 1 && entry.line <= lines);
        }
    }
}
