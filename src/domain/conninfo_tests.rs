use super::*;
use crate::domain::conninfo_keywords::KEYWORDS;
use proptest::prelude::*;

fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let info = ConnInfo::parse(text).map_err(|e| e.0)?;
    Ok(info.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
}

#[test]
fn key_value_strings_parse_as_libpq_does() {
    for (why, text, want) in [
        ("nothing", "", vec![]),
        ("blanks", "  \t\n", vec![]),
        ("plain", "host=a port=5433", vec![("host", "a"), ("port", "5433")]),
        ("blanks around =", " host = a\tport\n=\n5433 ", vec![("host", "a"), ("port", "5433")]),
        ("quotes", "password='a b'", vec![("password", "a b")]),
        ("escaped quote", r"password='it\'s \\ here'", vec![("password", r"it's \ here")]),
        ("backslash outside quotes", r"password=a\ b\\c", vec![("password", r"a b\c")]),
        ("a quote inside a bare value is itself", "user=o'neil", vec![("user", "o'neil")]),
        ("backslash at the end is dropped", r"user=a\", vec![("user", "a")]),
        ("empty by quotes", "user='' host=b", vec![("user", ""), ("host", "b")]),
        ("an equals sign in a value", "options=-csearch_path=", vec![("options", "-csearch_path=")]),
        ("nothing between quote and next key", "user='a'host=b", vec![("user", "a"), ("host", "b")]),
        (
            "the last of two wins, in the first's place",
            "host=a port=1 host=b",
            vec![("host", "b"), ("port", "1")],
        ),
        ("old spelling", "requiressl=1", vec![("sslmode", "require")]),
        ("not ASCII", "user=märz password='пар оль'", vec![("user", "märz"), ("password", "пар оль")]),
    ] {
        let want: Vec<_> = want.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        assert_eq!(pairs(text), Ok(want), "{why}");
    }
}

#[test]
fn garbage_is_named_in_libpqs_terms_without_repeating_a_secret() {
    for (text, want) in [
        ("this is not a conninfo", "missing \"=\" after \"this\" in connection info string"),
        ("host", "missing \"=\" after \"host\" in connection info string"),
        (
            "password=my secret word",
            "missing \"=\" after the value of \"password\" in connection info string",
        ),
        ("user='abc", "unterminated quoted string in connection info string"),
        ("hots=a", "invalid connection option \"hots\""),
        ("=a", "invalid connection option \"\""),
        (
            "postgres://[::1",
            "end of string reached when looking for matching \"]\" in IPv6 host address in URI",
        ),
        ("postgres://[]/", "IPv6 host address may not be empty in URI"),
        (
            "postgres://[::1]z",
            "unexpected character \"z\" after the IPv6 host address in URI (expected \":\" or \"/\")",
        ),
        ("postgres://h/d?port", "missing key/value separator \"=\" in URI query parameter: \"port\""),
        ("postgres://h/d?port=1=2", "extra key/value separator \"=\" in URI query parameter: \"port\""),
        ("postgres://h/d?zzz=1", "invalid URI query parameter: \"zzz\""),
        ("postgres://u:se%zzcret@h/", "invalid percent-encoded token in the URI"),
        ("postgres://h%00/", "forbidden value %00 in percent-encoded value of the URI"),
    ] {
        assert_eq!(pairs(text), Err(want.to_owned()), "{text}");
    }
}

#[test]
fn uris_parse_as_libpq_does() {
    for (text, want) in [
        ("postgresql://", ""),
        ("postgres://localhost", "host=localhost"),
        ("postgresql://localhost:5433/mydb", "host=localhost port=5433 dbname=mydb"),
        ("postgresql://user@localhost", "user=user host=localhost"),
        ("postgresql://user:se%20cret@localhost", "user=user password='se cret' host=localhost"),
        ("postgresql:///mydb?host=localhost&port=5433", "dbname=mydb host=localhost port=5433"),
        ("postgresql://%2Fvar%2Flib%2Fpostgresql/dbname", "host=/var/lib/postgresql dbname=dbname"),
        ("postgresql:///dbname?host=/var/lib/postgresql", "dbname=dbname host=/var/lib/postgresql"),
        ("postgresql://[2001:db8::1234]:5433/db", "host=2001:db8::1234 port=5433 dbname=db"),
        ("postgresql://[::1],[::2]:2/db", "host=::1,::2 port=,2 dbname=db"),
        (
            "postgresql://other@h1:1,h2:2/otherdb?connect_timeout=10&application_name=myapp",
            "user=other host=h1,h2 port=1,2 dbname=otherdb connect_timeout=10 application_name=myapp",
        ),
        ("postgres://h1,h2", "host=h1,h2 port=,"),
        ("postgres://:5433", "port=5433"),
        ("postgres://h?ssl=true", "host=h sslmode=require"),
        ("postgres://h/?user=u%40x", "host=h user=u@x"),
        ("postgres://u:p@h?", "user=u password=p host=h"),
    ] {
        assert_eq!(ConnInfo::parse(text).map(|i| i.with_secrets()), Ok(want.to_owned()), "{text}");
    }
}

#[test]
fn a_secret_is_neither_displayed_nor_debugged() {
    for text in [
        "host=a password=hunter2 user=u",
        "postgres://u:hunter2@a",
        "host=a sslpassword=hunter2 user=u",
        "host=a oauth_client_secret='hunter2' user=u",
    ] {
        let info = ConnInfo::parse(text).unwrap();
        for shown in [format!("{info}"), format!("{info:?}"), format!("{info:#?}")] {
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.contains("host=a"), "{shown}");
        }
        assert!(info.with_secrets().contains("hunter2"));
    }
}

#[test]
fn a_database_name_is_not_a_connection_string() {
    for (text, want) in
        [("mydb", false), ("dbname=x", true), ("postgres://", true), ("postgresql://h/d", true), ("", false)]
    {
        assert_eq!(looks_like_conninfo(text), want, "{text}");
    }
}

fn any_conninfo() -> impl Strategy<Value = ConnInfo> {
    let pair = (0..KEYWORDS.len(), "\\PC{0,12}|[ '\\\\=\\t\\n]{0,6}");
    prop::collection::vec(pair, 0..8).prop_map(|pairs| {
        let mut info = ConnInfo::default();
        for (at, value) in pairs {
            info.set(KEYWORDS[at].name, value);
        }
        info
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(info in any_conninfo()) {
        prop_assert_eq!(ConnInfo::parse(&info.with_secrets()), Ok(info));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}|postgres://[\\PC]{0,30}|[a-z=' \\\\]{0,30}") {
        let _ = ConnInfo::parse(&text);
    }
}
