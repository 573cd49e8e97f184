//! Our grammar beside libpq's own: PQconninfoParse of the installed library, called by Python.
#![allow(clippy::disallowed_methods, reason = "the test starts Python")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of tests may fail like one"
)]

use hg_repmgr::domain::conninfo::ConnInfo;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

const PYTHON: &str = r#"
import ctypes, json, sys
class Option(ctypes.Structure):
    _fields_ = [(n, ctypes.c_char_p) for n in ("keyword", "envvar", "compiled", "val", "label", "dispchar")] + [("size", ctypes.c_int)]
pq = ctypes.CDLL("libpq.so.5")
pq.PQconninfoParse.restype = ctypes.POINTER(Option)
pq.PQconninfoParse.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)]
for line in sys.stdin:
    options = pq.PQconninfoParse(json.loads(line).encode(), ctypes.byref(ctypes.c_char_p()))
    found, at = None, 0
    if options:
        found = {}
        while options[at].keyword:
            if options[at].val is not None:
                found[options[at].keyword.decode()] = options[at].val.decode("utf-8", "replace")
            at += 1
    print(json.dumps(found))
"#;

/// Pieces of connection strings; random rows of them reach the grammar's corners.
const PAIRS: &[&str] = &[
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "options",
    "sslmode",
    "nope",
    "=",
    "=",
    "=",
    " ",
    " ",
    "'",
    "'",
    "\\",
    "a",
    "b c",
    "1",
    "é",
    "\t",
    "\n",
    "requiressl",
];
const URIS: &[&str] = &[
    "user",
    "pw",
    "h1",
    "h2",
    "[::1]",
    "[",
    "]",
    ":",
    ":",
    "5432",
    ",",
    "/",
    "/",
    "@",
    "@",
    "?",
    "&",
    "=",
    "host",
    "port",
    "dbname",
    "ssl",
    "true",
    "%20",
    "%2F",
    "%00",
    "%zz",
    "%",
    "%c3%a9",
    "connect_timeout=3",
    "nope=1",
];

fn samples(seed: u64) -> Vec<String> {
    let mut state = seed;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
    };
    let mut all = Vec::new();
    for n in 0..6000 {
        let (start, pieces) = if n % 2 == 0 { ("", PAIRS) } else { ("postgresql://", URIS) };
        let length = next(10);
        let text: String = (0..length).map(|_| pieces[next(pieces.len())]).collect();
        all.push(format!("{start}{text}"));
        if n % 2 == 0 {
            let key = PAIRS[next(7)];
            all.push(format!("{key}={text}"));
        }
    }
    all
}

#[test]
fn random_strings_are_read_as_libpq_reads_them() {
    let seed = u64::from(std::process::id()) | 1 << 40;
    println!("seed {seed}");
    let samples = samples(seed);
    let lines: String = samples.iter().map(|s| serde_json::to_string(s).unwrap() + "\n").collect();
    let mut python = Command::new("python3")
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let out = python.wait_with_output().unwrap();
    writer.join().unwrap();
    if !out.status.success() {
        assert!(std::env::var_os("HG_REPMGR_TESTS_WITHOUT_POSTGRES").is_some(), "Python found no libpq.so.5");
        eprintln!("LEFT OUT: comparison with libpq: no libpq.so.5");
        return;
    }
    let text = String::from_utf8(out.stdout).unwrap();
    let (mut good, mut rows) = (0, 0);
    for (sample, line) in samples.iter().zip(text.lines()) {
        let theirs: Option<BTreeMap<String, String>> = serde_json::from_str(line).unwrap();
        // We keep text, libpq keeps bytes: what is not UTF-8 is an error here.
        if theirs.as_ref().is_some_and(|t| t.values().any(|v| v.contains('\u{fffd}'))) {
            continue;
        }
        let ours: Option<BTreeMap<String, String>> = ConnInfo::parse(sample)
            .ok()
            .map(|i| i.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect());
        good += usize::from(theirs.is_some());
        rows += 1;
        assert_eq!(ours, theirs, "{sample:?} (seed {seed})");
    }
    assert!(rows > samples.len() * 9 / 10 && good > rows / 10, "{good} of {rows} were good");
}
