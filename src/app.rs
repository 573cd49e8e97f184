//! Which program is this? By the name it was called under, then by its first argument.

mod links;

use crate::cli::{self, Place, Request, completions, help, table};
use crate::commands;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report;
use crate::sys::signals;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The name of the file itself.
pub const OWN_NAME: &str = "hg_repmgr";

/// A program that this file can be.
struct Applet {
    /// The name that it is called under.
    name: &'static str,
    /// What it does with its arguments.
    entry: fn(&[OsString], &Place) -> Result<Exit>,
    /// Whether `--install-links` makes its link.
    linked: Linked,
}

#[derive(PartialEq, Eq)]
enum Linked {
    Yes,
    /// The place is left to the original program while ours does not work.
    NotYet,
}

/// Every program that this file can be.
static APPLETS: &[Applet] = &[
    Applet { name: "repmgr", entry: repmgr, linked: Linked::Yes },
    Applet { name: "repmgrd", entry: repmgrd, linked: Linked::NotYet },
];

/// Runs the applet that `argv` names and returns the exit code. Any other name than an applet's counts as the
/// file's own.
#[must_use]
pub fn run(argv: Vec<OsString>) -> Exit {
    signals::end_on_closed_pipe();
    signals::remember_children();
    let (called_as, args) =
        argv.split_first().map_or((OsStr::new(OWN_NAME), &[][..]), |(n, a)| (n.as_os_str(), a));
    let place = Place { cwd: std::env::current_dir().ok(), program: program_path(called_as) };
    let outcome =
        match (applet(Path::new(called_as).file_name()), applet(args.first().map(OsString::as_os_str))) {
            (Some(applet), _) => (applet.entry)(args, &place),
            (None, Some(applet)) => (applet.entry)(&args[1..], &place),
            (None, None) => own(args, &place),
        };
    outcome.unwrap_or_else(|failed| {
        report::failure(&failed);
        failed.exit
    })
}

fn applet(name: Option<&OsStr>) -> Option<&'static Applet> {
    APPLETS.iter().find(|a| name.is_some_and(|n| n == a.name))
}

/// The file under its own name: what only it can do, and `repmgr` for everything else.
fn own(args: &[OsString], place: &Place) -> Result<Exit> {
    let text: Vec<&str> = args.iter().map_while(|a| a.to_str()).collect();
    match text.as_slice() {
        ["--help" | "-?" | "help"] => {
            table::print(&format!("{}\n{OWN_HELP}", help::program()))?;
            Ok(Exit::Success)
        }
        ["--completions", shell] => {
            table::print(&completions::script(shell)?)?;
            Ok(Exit::Success)
        }
        ["--completions"] => {
            Err(Error::new(Exit::BadConfig, "option \"--completions\" needs a value: bash or zsh"))
        }
        _ => match args {
            [option, dir] if option == "--install-links" => install_links(Path::new(dir)),
            [option, ..] if option == "--install-links" => {
                Err(Error::new(Exit::BadConfig, "option \"--install-links\" needs one value: a directory"))
            }
            _ => repmgr(args, place),
        },
    }
}

const OWN_HELP: &str = "\
Called as hg_repmgr, this program also knows:
  hg_repmgr repmgr ...              the same as repmgr ...
  hg_repmgr --install-links DIR     make DIR/repmgr a link to this program
  hg_repmgr --completions bash|zsh  write completions for a shell
";

fn install_links(dir: &Path) -> Result<Exit> {
    let program = std::env::current_exe().map_err(|e| {
        Error::new(Exit::System, "unable to find this program's own file").detail(e.to_string())
    })?;
    for applet in APPLETS.iter().filter(|a| a.linked == Linked::Yes) {
        let link = links::install(&program, dir, applet.name)?;
        table::print(&format!("{} -> {}\n", link.place.display(), link.target.display()))?;
    }
    Ok(Exit::Success)
}

fn repmgr(args: &[OsString], place: &Place) -> Result<Exit> {
    match cli::parse(args, place)? {
        Request::Print(text) => {
            table::print(&text)?;
            Ok(Exit::Success)
        }
        Request::Run(invocation) => commands::run(&invocation),
    }
}

fn repmgrd(_args: &[OsString], _place: &Place) -> Result<Exit> {
    Err(Error::new(Exit::BadConfig, "repmgrd is not in this version"))
}

/// The path under which this program was called, made absolute, links not followed; its file where that is unknown.
fn program_path(called_as: &OsStr) -> PathBuf {
    let named = Path::new(called_as);
    let found = if named.components().count() > 1 {
        std::path::absolute(named).ok()
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).map(|dir| dir.join(named)).find(|file| is_program(file))
    };
    found
        .filter(|file| is_program(file))
        .or_else(|| std::env::current_exe().ok())
        .unwrap_or_else(|| named.to_owned())
}

fn is_program(file: &Path) -> bool {
    file.is_absolute()
        && std::fs::metadata(file).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}
