//! The annotated sample file, made from the table.

use super::dump::default;
use super::kind::{Kind, Least};
use super::prose::{sentences, wrap};
use super::settings::{Origin, Preset, Section, Setting, TABLE};
use super::{Mode, lexer};
use std::fmt::Write as _;

/// Width of the comments.
const WIDTH: usize = 98;

/// The sample file: every key, in a comment unless it must be set, with its default.
#[must_use]
pub fn render() -> String {
    let mut text = String::from(HEAD);
    for section in sections() {
        let _ = writeln!(text, "\n\n#{}\n# {}\n#{}", "-".repeat(60), section.title(), "-".repeat(60));
        for row in TABLE.iter().filter(|row| row.section == section) {
            text.push('\n');
            for sentence in sentences(row.help) {
                for line in wrap(&sentence, WIDTH) {
                    let _ = writeln!(text, "# {line}");
                }
            }
            for line in wrap(&format!("({})", remarks(row).join("; ")), WIDTH) {
                let _ = writeln!(text, "# {line}");
            }
            let _ = writeln!(text, "{}", setting(row));
        }
    }
    text
}

const HEAD: &str = "\
# Configuration of hg_repmgr, read by repmgr and repmgrd.
#
# One key=value on a line; a value with spaces stands in '…', a quote within it is doubled. A comment
# begins with #. Other files are brought in by include 'file', include_if_exists 'file' and
# include_dir 'folder'; of a key that is set twice the last line holds. Times are in seconds unless
# they have a unit (us, ms, s, min, h, d), as in 500ms; sizes have the units B, kB, MB, GB, TB. Yes
# is yes, true, on or 1; no is no, false, off or 0.
#
# The first four keys must be set; the others are shown with their defaults. See repmgr.conf(5).
";

/// The sections in the order of their enum, each once.
pub(super) fn sections() -> Vec<Section> {
    use Section as S;
    vec![
        S::Node,
        S::Programs,
        S::Log,
        S::Replication,
        S::Operations,
        S::Checks,
        S::Services,
        S::Events,
        S::Remote,
        S::Daemon,
        S::Failover,
        S::ChildNodes,
        S::VirtualAddress,
        S::Device,
        S::Rejoin,
        S::Synchronous,
        S::Http,
        S::Old,
    ]
}

fn remarks(row: &Setting) -> Vec<String> {
    let mut remarks = vec![shortly(row.kind)];
    if let Preset::ByMode { repmgr, hg } = row.preset {
        remarks.push(format!("default: {repmgr}, with compatibility=hg {hg}"));
    }
    if row.kind.unit() == "min" {
        remarks.push("a bare number is minutes".into());
    }
    remarks.push(row.taken.words().into());
    match row.origin {
        Origin::Repmgr => {}
        Origin::HgRepmgr => remarks.push("from hg_repmgr".into()),
        Origin::Ours => remarks.push("not in repmgr".into()),
    }
    remarks
}

/// What is allowed; the head of the file tells the rest.
fn shortly(kind: Kind) -> String {
    match kind {
        Kind::Bool => "yes or no".into(),
        Kind::Time(_, Least::Zero) => "a time".into(),
        Kind::Time(_, Least::AboveZero | Least::ZeroForHg) => "a time above 0".into(),
        Kind::Time(_, Least::Never) => "a time, or -1: never".into(),
        Kind::Size => "a size, or -1: no limit".into(),
        Kind::Int(..) | Kind::Word(..) | Kind::LenientWord(_) | Kind::Text(_) | Kind::Command => {
            kind.allowed(Mode::Repmgr)
        }
        Kind::Path | Kind::Conninfo | Kind::List | Kind::Addresses | Kind::Delay | Kind::Mapping => {
            kind.allowed(Mode::Repmgr)
        }
    }
}

fn setting(row: &Setting) -> String {
    match row.preset {
        Preset::Required => lexer::write(row.name, example(row.name)),
        Preset::Unset => format!("#{}=''", row.name),
        Preset::Same(other) => format!("#{}=''  # {other}", row.name),
        Preset::Is(_) | Preset::ByMode { .. } => {
            let value = default(row, Mode::Repmgr);
            let bare = value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
            if bare {
                format!("#{}={value}", row.name)
            } else {
                format!("#{}", lexer::write(row.name, &value))
            }
        }
    }
}

fn example(key: &str) -> &'static str {
    match key {
        "node_id" => "1",
        "node_name" => "node1",
        "conninfo" => "host=node1 user=repmgr dbname=repmgr connect_timeout=2",
        "data_directory" => "/var/lib/postgresql/data",
        _ => "",
    }
}
