//! How results are laid out: tables as psql draws them, CSV, JSON; colour for people only.

use super::width::width;
use crate::error::{Error, Result};
use crate::exit::Exit;
use std::io::{IsTerminal, Write};

/// A table as psql draws it without a border: headings, a rule, one line a row.
#[derive(Clone, Debug, Default)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// One field of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    paint: Paint,
}

/// The colour of a field; it is drawn on a terminal only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// The terminal's own.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Deserves a look.
    Doubtful,
    /// Broken.
    Bad,
}

impl Paint {
    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Doubtful => Some("33"),
            Self::Bad => Some("31"),
        }
    }
}

/// Whether colours are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Never: a file, a pipe, or a person who does not want them.
    Off,
    /// On a terminal.
    On,
}

impl Colour {
    /// What stdout should get: colour on a terminal only, and not when NO_COLOR is set to anything or TERM is dumb.
    #[must_use]
    pub fn of_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|t| t == "dumb");
        if std::io::stdout().is_terminal() && !refused && !dumb { Self::On } else { Self::Off }
    }
}

impl Cell {
    /// A field with a colour.
    #[must_use]
    pub fn painted(text: impl Into<String>, paint: Paint) -> Self {
        Self { text: text.into(), paint }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), paint: Paint::Plain }
    }
}

impl Table {
    /// A table with these headings and no rows.
    #[must_use]
    pub fn new<H: Into<String>>(headings: impl IntoIterator<Item = H>) -> Self {
        Self { headings: headings.into_iter().map(|h| printable(&h.into())).collect(), rows: Vec::new() }
    }

    /// Adds a row. Missing fields are empty, superfluous ones are left out.
    pub fn row<C: Into<Cell>>(&mut self, fields: impl IntoIterator<Item = C>) {
        let mut row: Vec<Cell> = fields.into_iter().map(Into::into).collect();
        row.resize(self.headings.len(), Cell::default());
        for cell in &mut row {
            cell.text = printable(&cell.text);
        }
        self.rows.push(row);
    }

    /// True when there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The whole table, every line with its line end: headings and fields filled up to their columns' width, those of
    /// the last column too. The form of `cluster show` and `cluster event`.
    #[must_use]
    pub fn text(&self, colour: Colour) -> String {
        self.draw(colour, LastColumn::Flush)
    }

    /// The same with an empty line behind the table, as `cluster event`, and `cluster show` when something is wrong,
    /// have it.
    #[must_use]
    pub fn text_with_blank(&self, colour: Colour) -> String {
        self.text(colour) + "\n"
    }

    /// The same as [`Table::text`] with a space more at the end of each row (not of the headings): the form of
    /// `cluster show --compact`, `cluster matrix`, `cluster crosscheck` and `service status`.
    #[must_use]
    pub fn text_padded(&self, colour: Colour) -> String {
        self.draw(colour, LastColumn::Padded)
    }

    fn draw(&self, colour: Colour, last: LastColumn) -> String {
        let widths: Vec<usize> = (0..self.headings.len())
            .map(|i| {
                self.rows
                    .iter()
                    .map(|r| width(&r[i].text))
                    .chain([width(&self.headings[i])])
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut lines = vec![line(self.headings.iter().zip(&widths).map(|(h, w)| padded(h, *w)))];
        let rule: Vec<String> = widths.iter().map(|w| "-".repeat(w + 2)).collect();
        lines.push(rule.join("+"));
        for row in &self.rows {
            let fields = row.iter().zip(&widths).map(|(cell, w)| match (colour, cell.paint.code()) {
                (Colour::On, Some(code)) => format!("\x1b[{code}m{}\x1b[0m", padded(&cell.text, *w)),
                (Colour::On | Colour::Off, _) => padded(&cell.text, *w),
            });
            let space = match last {
                LastColumn::Flush => "",
                LastColumn::Padded => " ",
            };
            lines.push(line(fields) + space);
        }
        lines.join("\n") + "\n"
    }
}

#[derive(Clone, Copy)]
enum LastColumn {
    Flush,
    Padded,
}

fn line(fields: impl Iterator<Item = String>) -> String {
    format!(" {}", fields.collect::<Vec<_>>().join(" | "))
}

fn padded(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{:missing$}", "")
}

/// A field in one line and without a sequence that a terminal obeys.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// One line of CSV as repmgr writes it: fields joined by commas, none quoted. For fields that cannot hold a comma.
#[must_use]
pub fn csv<F: AsRef<str>>(fields: impl IntoIterator<Item = F>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|f| printable(f.as_ref())).collect();
    fields.join(",") + "\n"
}

/// One line of CSV with a quoted name and quoted values, quotes inside left as they are: what `node status` and
/// `node check` write.
#[must_use]
pub fn csv_quoted<F: AsRef<str>>(fields: impl IntoIterator<Item = F>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|f| format!("\"{}\"", printable(f.as_ref()))).collect();
    fields.join(",") + "\n"
}

/// One line of CSV with a quoted name and a bare number, as `node status` writes its counts.
#[must_use]
pub fn csv_number(name: &str, number: i64) -> String {
    format!("\"{}\",{number}\n", printable(name))
}

/// A JSON document for `--json`, indented, with a line end.
#[must_use]
pub fn json(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// Writes a result to stdout.
///
/// # Errors
/// [`Exit::System`] when stdout takes no more (a full disk).
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|e| Error::new(Exit::System, "unable to write to the standard output").detail(e.to_string()))
}

#[cfg(test)]
mod tests;
