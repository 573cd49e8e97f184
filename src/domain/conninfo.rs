//! libpq's connection strings: key=value and URI, in the order they were written, redacted when printed.

use std::fmt;

/// A parsed connection string. `Display` leaves the password out; [`ConnInfo::with_secrets`] keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnInfo {
    params: Vec<(String, String)>,
}

/// Why a text is not a connection string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadConnInfo(pub String);

impl fmt::Display for BadConnInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadConnInfo {}

impl ConnInfo {
    /// Parses key=value or URI form.
    ///
    /// # Errors
    /// [`BadConnInfo`] in libpq's terms.
    pub fn parse(text: &str) -> Result<Self, BadConnInfo> {
        let _ = text;
        Ok(Self::default())
    }

    /// The value of a keyword. `None`: not given, or given empty (libpq treats both alike).
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.params.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// Sets a keyword, in its place when it is there already, else at the end.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        let value = value.into();
        match self.params.iter_mut().find(|(k, _)| k == key) {
            Some((_, v)) => *v = value,
            None => self.params.push((key.to_owned(), value)),
        }
    }

    /// Sets a keyword unless it has a value.
    pub fn set_default(&mut self, key: &str, value: impl Into<String>) {
        if self.get(key).is_none() {
            self.set(key, value);
        }
    }

    /// Takes a keyword out.
    pub fn remove(&mut self, key: &str) {
        self.params.retain(|(k, _)| k != key);
    }

    /// Keywords and values in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// key=value form, quoted as libpq wants it, the password included: for PostgreSQL's own files and
    /// connections, never for a message.
    #[must_use]
    pub fn with_secrets(&self) -> String {
        String::new()
    }
}

impl fmt::Display for ConnInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = &self.params;
        f.write_str("")
    }
}
