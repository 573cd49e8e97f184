//! What the tests of `repmgr cluster …` have in common: a registered cluster, and our table without the
//! columns that only ours has.

use crate::cluster::{Host, Lab, Out, PgOptions, wait_for};
use crate::compat::{diff, normalise};
use std::collections::BTreeSet;
use std::time::Duration;

/// For a server to notice something.
pub const SOON: Duration = Duration::from_secs(30);

/// What our `cluster show` has and the original's has not.
pub const OURS: [&str; 2] = ["Replication lag", "Last replayed LSN"];

/// Which upstream each host after the first has, in order: `[1, 2]` is node2 below node1, node3 below node2.
pub fn registered(upstreams: &[usize]) -> Lab {
    // There are no slots: a standby that comes late must still find what it needs.
    let conf = "wal_keep_size = '256MB'".to_owned();
    registered_with(upstreams, &PgOptions { conf, ..PgOptions::default() })
}

/// The same with a primary of the caller's liking. The original registers the nodes, so that what is
/// read is what it wrote.
pub fn registered_with(upstreams: &[usize], options: &PgOptions) -> Lab {
    let lab = Lab::new(upstreams.len() + 1);
    let primary = lab.host(1).init_primary(options);
    primary.write_conf("");
    primary.original(&["primary", "register"]).ok();
    for (at, &upstream) in upstreams.iter().enumerate() {
        let host = lab.host(at + 2);
        host.join(lab.host(upstream));
        host.write_conf("");
        host.catch_up(primary);
        host.original(&["standby", "register", &format!("--upstream-node-id={upstream}")]).ok();
    }
    for host in lab.hosts().iter().skip(1) {
        host.catch_up(primary);
    }
    lab
}

/// A table without some of its columns, whatever stands before and behind it.
pub fn without(text: &str, headings: &[&str]) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let Some(rule) = lines.iter().position(|l| l.starts_with("---") && l.contains("-+-")) else {
        return text.to_owned();
    };
    let ends: Vec<usize> = lines[rule].match_indices('+').map(|(at, _)| at).collect();
    let cells = |line: &str| -> Vec<String> {
        let mut cells = Vec::new();
        let mut start = 0;
        for &end in ends.iter().chain([&line.len().max(lines[rule].len())]) {
            cells.push(line.chars().skip(start).take(end - start).collect());
            start = end + 1;
        }
        cells
    };
    let kept: Vec<bool> =
        cells(lines[rule - 1]).iter().map(|heading| !headings.contains(&heading.trim())).collect();
    let rows = lines[rule..].iter().take_while(|l| l.contains('|') || l.contains("-+-")).count();
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        if at + 1 < rule || at >= rule + rows {
            out += &format!("{line}\n");
            continue;
        }
        let sign = if at == rule { "+" } else { "|" };
        let fields: Vec<String> =
            cells(line).into_iter().zip(&kept).filter(|(_, keep)| **keep).map(|(cell, _)| cell).collect();
        out += &format!("{}\n", fields.join(sign));
    }
    out
}

#[test]
fn columns_are_taken_out_of_a_table_and_nothing_else() {
    let table = " A | B  | C \n---+----+---\n 1 | b| | 3\n\ntext\n";
    assert_eq!(without(table, &["B"]), " A | C \n---+---\n 1 | 3\n\ntext\n");
    assert_eq!(without(table, &["C"]), " A | B  \n---+----\n 1 | b| \n\ntext\n");
    assert_eq!(without("no table\n", &["B"]), "no table\n");
}

/// The list of issues, each as the nodes it is about, `"node2" (ID: 2)`: how they are put into words is each
/// program's own.
pub fn issues(out: &Out) -> Vec<BTreeSet<String>> {
    let lines = out.stdout.lines().chain(out.stderr.lines());
    lines.filter_map(|line| line.strip_prefix("  - ")).map(nodes).collect()
}

/// `"name" (ID: n)`, wherever it stands in a line.
fn nodes(line: &str) -> BTreeSet<String> {
    let ends = line.match_indices("\" (ID: ").map(|(at, _)| at);
    ends.filter_map(|end| {
        let begin = line[..end].rfind('"')?;
        let close = line[end..].find(')')?;
        Some(line[begin..=end + close].to_owned())
    })
    .collect()
}

#[test]
fn an_issue_is_told_by_the_nodes_it_is_about() {
    let of = |line: &str| nodes(line).into_iter().collect::<Vec<_>>();
    assert_eq!(of("a \"n1\" (ID: 1)'s b \"n2\" (ID: 2)"), ["\"n1\" (ID: 1)", "\"n2\" (ID: 2)"]);
    assert_eq!(of("\"n2\" (ID: 2), expected \"n1\""), ["\"n2\" (ID: 2)"]);
    assert_eq!(of("no node"), [""; 0]);
}

/// Runs `cluster show` of both on `host` in each of its forms: table, issues and exit code have to be alike
/// but for `differing` columns. Returns our plain table.
#[track_caller]
pub fn shows_alike(why: &str, host: &Host, differing: &[&str]) -> Out {
    let mut first = None;
    for form in [&[][..], &["--compact"], &["--csv"], &["--verbose"], &["--terse"], &["--quiet"]] {
        let args = [&["cluster", "show"], form].concat();
        let (original, ours) = (host.original(&args), host.repmgr(&args));
        let all = [&OURS[..], differing].concat();
        let (theirs, own) = (without(&original.stdout, &all), without(&ours.stdout, &all));
        let (theirs, own) = (normalise(&theirs), normalise(&own));
        assert!(theirs == own, "{why}:\n{}\n{original}\n{ours}", diff(&theirs, &own));
        assert_eq!(issues(&original), issues(&ours), "{why}:\n{original}\n{ours}");
        assert_eq!(original.code, ours.code, "{why}:\n{original}\n{ours}");
        first.get_or_insert(ours);
    }
    first.unwrap()
}

/// Waits until `upstream` has no walsender for `standby`.
pub fn wait_detached(standby: &Host, upstream: &Host) {
    let sql = format!("SELECT count(*) FROM pg_stat_replication WHERE application_name = '{}'", standby.name);
    wait_for("the standby to be gone", SOON, || upstream.psql(&sql) == "0");
}

/// Waits until `upstream` has a walsender for `standby`.
pub fn wait_attached(standby: &Host, upstream: &Host) {
    let sql = format!("SELECT count(*) FROM pg_stat_replication WHERE application_name = '{}'", standby.name);
    wait_for("the standby to be back", SOON, || upstream.psql(&sql) == "1");
}
