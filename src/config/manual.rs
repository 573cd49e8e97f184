//! man/repmgr.conf.5, made from the table.

use super::Mode;
use super::dump::default;
use super::prose::{sentences, wrap};
use super::sample::sections;
use super::settings::{Preset, Setting, TABLE, Taken};
use std::fmt::Write as _;

/// Width of the source's lines; mandoc asks for 80 at the most.
const WIDTH: usize = 76;

/// The manual page, in mdoc.
#[must_use]
pub fn render() -> String {
    let mut page = String::from(HEAD);
    for section in sections() {
        let _ = writeln!(page, ".Ss {}", escaped(section.title()));
        page.push_str(".Bl -tag -width Ds\n");
        for row in TABLE.iter().filter(|row| row.section == section) {
            entry(&mut page, row);
        }
        page.push_str(".El\n");
    }
    page.push_str(TAIL);
    page
}

fn entry(page: &mut String, row: &Setting) {
    let _ = writeln!(page, ".It Ic {}", row.name);
    for sentence in sentences(row.help) {
        prose(page, &sentence);
    }
    page.push_str(".Pp\n");
    let allowed = row.kind.allowed(Mode::Repmgr);
    prose(page, &format!("Allowed: {allowed}."));
    let other = row.kind.allowed(Mode::Hg);
    if other != allowed {
        prose(page, &format!("With compatibility=hg: {other}."));
    }
    if row.kind.unit() == "min" {
        prose(page, "A bare number is minutes.");
    }
    match row.preset {
        Preset::Required => prose(page, "It must be set."),
        Preset::Unset => prose(page, "Default: not set."),
        Preset::Same(other) => prose(page, &format!("Default: the value of {other}.")),
        Preset::Is(_) => prose(page, &format!("Default: {}.", default(row, Mode::Repmgr))),
        Preset::ByMode { repmgr, hg } => {
            prose(page, &format!("Default: {repmgr}; with compatibility=hg {hg}."));
        }
    }
    prose(
        page,
        match row.taken {
            Taken::Reload => "A change is taken on SIGHUP.",
            Taken::Restart => "A change needs a restart of repmgrd.",
            Taken::Register => "A change needs register --force and a restart of repmgrd.",
            Taken::NextCommand => "A change is taken by the next command.",
        },
    );
}

/// A sentence in lines of their own, as mdoc wants it.
fn prose(page: &mut String, sentence: &str) {
    for line in wrap(sentence, WIDTH) {
        let _ = writeln!(page, "{}", escaped(&line));
    }
}

/// What roff would take for itself.
fn escaped(line: &str) -> String {
    let text = line.replace('\\', "\\e");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

const HEAD: &str = r#".\" Made from the table of settings; do not edit.
.Dd January 1, 2026
.Dt REPMGR.CONF 5
.Os
.Sh NAME
.Nm repmgr.conf
.Nd configuration of repmgr, repmgrd and hg_repmgr
.Sh DESCRIPTION
The file says who this node is, how the others reach it, and how replication
and failover are to be handled.
Each node has its own.
.Ss Where it lies
The option
.Fl f Ar file
names it.
Without it, the first of these is taken:
.Bl -enum -compact
.It
the path in the environment variable
.Ev HG_REPMGR_CONF
.It
.Pa conf/hg_repmgr.conf
beside the directory that holds the program as it was called, then beside
that of the file at the end of a link, then in
.Ev HGDB_HOME
and
.Ev PGHOME
.It
.Pa /etc/repmgr/NN/repmgr.conf ,
NN being the version of PostgreSQL in the program's own path, else the only
one that is there
.It
.Pa hg_repmgr.conf
and
.Pa repmgr.conf
in the current directory
.It
.Pa /etc/hg_repmgr.conf
and
.Pa /etc/repmgr.conf
.It
.Pa repmgr.conf
in the configuration folder of the program's installation
.El
.Pp
A
.Pa repmgr.conf
that holds PostgreSQL's own settings is passed over.
.Ss Syntax
A line sets one key:
.Pp
.Dl node_name='node1'   # a comment
.Pp
A value with white space stands in single quotes.
A quote within it is doubled or follows a backslash; a backslash is doubled.
A comment begins with # outside of quotes.
Of a key that is set twice the last line holds, with a warning;
.Ic tablespace_mapping
collects its lines.
Other files are brought in by
.Ic include ,
.Ic include_if_exists
and
.Ic include_dir ,
each with a quoted path that is relative to the file it stands in, at most ten
files deep.
.Pp
C comments, typographic quotes, a quoted value broken over lines and lines of
prose are accepted with a warning.
An unknown key is a warning that names the nearest known one.
Wrong values are reported all at once, and the file is refused.
.Ss Units
A time without a unit is in seconds, unless the key says otherwise.
The units are us, ms, s, min, h and d, as in 500ms.
Sizes have the units B, kB, MB, GB and TB.
.Sh SETTINGS
"#;

const TAIL: &str = r#".Sh FILES
.Bl -tag -width Ds -compact
.It Pa /etc/repmgr.conf
the usual place
.El
.Sh EXIT STATUS
A program that cannot use the file ends with 1.
.Sh EXAMPLES
The least that a node needs:
.Bd -literal -offset indent
node_id=1
node_name='node1'
conninfo='host=node1 user=repmgr dbname=repmgr connect_timeout=2'
data_directory='/var/lib/postgresql/data'
.Ed
.Pp
With failover by the daemon:
.Bd -literal -offset indent
failover=automatic
promote_command='repmgr standby promote -f /etc/repmgr.conf'
follow_command='repmgr standby follow -f /etc/repmgr.conf --upstream-node-id=%n'
.Ed
"#;
