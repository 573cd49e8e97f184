//! Rust text for the rules to look at: comments and the insides of strings are blanked, lines stay.

/// Replaces comments and the insides of string and character literals by blanks.
pub fn code_of(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(&bytes, at).unwrap_or(at + 1);
        if end > at + 1 {
            let edge = bytes[at] != '/';
            for (index, &c) in bytes[at..end].iter().enumerate() {
                let keep = c == '\n' || (edge && (index == 0 || at + index + 1 == end));
                out.push(if keep { c } else { ' ' });
            }
        } else {
            out.push(bytes[at]);
        }
        at = end;
    }
    out
}

/// Where the comment or literal that begins at `at` ends; `None` if none begins there.
fn literal_end(text: &[char], at: usize) -> Option<usize> {
    let starts = |word: &str| word.chars().enumerate().all(|(i, c)| text.get(at + i) == Some(&c));
    let before = at.checked_sub(1).and_then(|i| text.get(i));
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    if starts("//") {
        return Some(text[at..].iter().position(|&c| c == '\n').map_or(text.len(), |n| at + n));
    }
    if starts("/*") {
        return Some(block_comment_end(text, at));
    }
    if starts("\"") {
        return Some(quoted_end(text, at + 1, '"'));
    }
    if (starts("r\"") || starts("r#")) && (!in_word || before == Some(&'b')) {
        return raw_string_end(text, at + 1);
    }
    // A lifetime has no second quote in place; a character literal has.
    if starts("'") && (text.get(at + 1) == Some(&'\\') || text.get(at + 2) == Some(&'\'')) {
        return Some(quoted_end(text, at + 1, '\''));
    }
    None
}

fn block_comment_end(text: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut here = at;
    while here < text.len() {
        match (text[here], text.get(here + 1)) {
            ('/', Some('*')) => (depth, here) = (depth + 1, here + 2),
            ('*', Some('/')) => (depth, here) = (depth - 1, here + 2),
            _ => here += 1,
        }
        if depth == 0 {
            return here;
        }
    }
    text.len()
}

fn quoted_end(text: &[char], mut at: usize, quote: char) -> usize {
    while at < text.len() && text[at] != quote {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

fn raw_string_end(text: &[char], at: usize) -> Option<usize> {
    let hashes = text[at..].iter().take_while(|&&c| c == '#').count();
    if text.get(at + hashes) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = at + hashes + 1;
    let length = text[body..].windows(close.len()).position(|w| w == close)?;
    Some(body + length + close.len())
}

/// The text above the first `#[cfg(test)]` that stands before a `mod`, where the tests begin.
pub fn without_tests(code: &str) -> &str {
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let at = from + found;
        from = at + "#[cfg(test)]".len();
        if code[from..].trim_start().starts_with("mod ") {
            return &code[..at];
        }
    }
    code
}

/// The functions of `code`: name, first line, number of lines of the body that are not blank.
pub fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(offset) = code[from..].find("fn ") {
        let at = from + offset;
        from = at + 3;
        let alone = at == 0 || !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let name: String = code[from..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !alone || name.is_empty() {
            continue;
        }
        // A declaration without a body ends with a semicolon before any brace.
        let Some(open) = code[from..].find(['{', ';']).map(|n| from + n) else { break };
        if code[open..].starts_with('{') {
            let body = &code[open..open + braces_end(&code[open..])];
            let lines = body.lines().filter(|line| !line.trim().is_empty()).count();
            found.push((name, code[..at].lines().count().max(1), lines.saturating_sub(2)));
        }
    }
    found
}

fn braces_end(code: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// What follows each `crate::` (and, in main, `hg_repmgr::`): `sys::files`; a group gives each of its members.
pub fn imports(code: &str, root: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mark = format!("{root}::");
    for (at, _) in code.match_indices(&mark) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + mark.len()..];
        if rest.starts_with('{') {
            members(&rest[1..braces_end(rest) - 1], &mut found);
        } else {
            found.push(path_at(rest));
        }
    }
    found
}

/// The members of a `use` group at its outermost level.
fn members(group: &str, found: &mut Vec<String>) {
    let mut depth = 0usize;
    let mut start = 0;
    for (at, c) in group.char_indices().chain(std::iter::once((group.len(), ','))) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let path = path_at(group[start..at].trim());
                if !path.is_empty() {
                    found.push(path);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

fn path_at(text: &str) -> String {
    let path: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
    path.trim_end_matches(':').to_owned()
}
