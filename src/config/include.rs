//! Files → items: the file itself and what it includes.

use super::lexer::{self, Include, Remark, Says};
use super::{Item, Warning, settings};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A file within a file within a file … so deep at the most, as in PostgreSQL.
const DEEPEST: usize = 10;

/// More than any configuration; a device or a log named by mistake ends here.
const LARGEST: u64 = 1 << 20;

/// What the files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// In the order in which they hold: an included file stands where its line is.
    pub items: Vec<Item>,
    /// What was accepted and should be mended.
    pub warnings: Vec<Warning>,
    /// What cannot be accepted, a `file:line: …` each.
    pub faults: Vec<String>,
    /// Every file that was read, the first one first.
    pub files: Vec<PathBuf>,
}

/// Reads a file and what it includes.
#[must_use]
pub fn read(file: &Path, bytes: &[u8]) -> Read {
    let mut read = Read::default();
    take(&mut read, file, bytes, &mut vec![identity(file)]);
    read
}

/// The bytes of a file, which must be a plain one and not absurdly large.
///
/// # Errors
/// Why it cannot be read, in the system's words.
pub fn bytes(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let meta = std::fs::metadata(file).map_err(|e| plain(&e))?;
    if meta.is_dir() {
        return Err("it is a directory".into());
    }
    if !meta.is_file() {
        return Err("it is not a regular file".into());
    }
    let open = std::fs::File::open(file).map_err(|e| plain(&e))?;
    open.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|e| plain(&e))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("it is larger than {LARGEST} bytes"));
    }
    Ok(bytes)
}

/// An error of the system without Rust's `(os error N)`.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// One file has one name, however it is reached.
fn identity(file: &Path) -> PathBuf {
    file.canonicalize().unwrap_or_else(|_| file.to_owned())
}

fn take(read: &mut Read, file: &Path, bytes: &[u8], within: &mut Vec<PathBuf>) {
    let lexed = lexer::lex(bytes, |word| settings::find(word).is_some());
    let place = |line: usize| format!("{}:{line}", file.display());
    read.files.push(file.to_owned());
    read.warnings.extend(summed_up(&lexed.notices, place));
    read.faults.extend(lexed.faults.iter().map(|f| format!("{}: {}", place(f.line), f.text)));
    for entry in lexed.entries {
        match entry.says {
            Says::Set { key, value } => {
                read.items.push(Item { key, value, file: file.to_owned(), line: entry.line });
            }
            Says::Include(way, path) => {
                let place = place(entry.line);
                if path.is_empty() {
                    read.faults.push(format!("{place}: the path to include is empty"));
                    continue;
                }
                let path = file.parent().unwrap_or(Path::new("")).join(path);
                bring_in(read, way, &path, &place, within);
            }
        }
    }
}

/// One warning for remarks that are alike: files full of C comments are common, and every command reads them.
fn summed_up(notices: &[Remark], place: impl Fn(usize) -> String) -> Vec<Warning> {
    let mut texts: Vec<&str> = Vec::new();
    for notice in notices {
        if !texts.contains(&notice.text.as_str()) {
            texts.push(&notice.text);
        }
    }
    let sum_up = |text: &str| {
        let mut lines = notices.iter().filter(|notice| notice.text == text).map(|notice| notice.line);
        let warning = Warning::new(format!("{}: {text}", place(lines.next().unwrap_or(1))));
        let others: Vec<String> = lines.map(|line| line.to_string()).collect();
        if others.is_empty() {
            warning
        } else {
            warning.detail(format!("also in line {}", others.join(", ")))
        }
    };
    texts.into_iter().map(sum_up).collect()
}

fn bring_in(read: &mut Read, way: Include, path: &Path, place: &str, within: &mut Vec<PathBuf>) {
    match way {
        Include::File => one(read, path, place, within),
        Include::IfExists => {
            if path.exists() {
                one(read, path, place, within);
            }
        }
        Include::Folder => match folder(path) {
            Ok(files) => files.iter().for_each(|file| one(read, file, place, within)),
            Err(why) => {
                read.faults.push(format!("{place}: the folder \"{}\" cannot be read: {why}", path.display()));
            }
        },
    }
}

fn one(read: &mut Read, path: &Path, place: &str, within: &mut Vec<PathBuf>) {
    let same = identity(path);
    let shown = path.display();
    if within.contains(&same) {
        return read.faults.push(format!("{place}: \"{shown}\" includes itself"));
    }
    if within.len() > DEEPEST {
        return read.faults.push(format!("{place}: \"{shown}\" is nested more than {DEEPEST} files deep"));
    }
    match bytes(path) {
        Ok(bytes) => {
            within.push(same);
            take(read, path, &bytes, within);
            within.pop();
        }
        Err(why) => read.faults.push(format!("{place}: \"{shown}\" cannot be included: {why}")),
    }
}

/// `*.conf`, hidden files left out, by name.
fn folder(path: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|e| plain(&e))? {
        let entry = entry.map_err(|e| plain(&e))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".conf") && !name.starts_with('.') && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
