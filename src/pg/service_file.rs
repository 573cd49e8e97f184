//! Connection service files: named sets of connection parameters.

use crate::domain::conninfo::ConnInfo;
use std::path::Path;

/// The parameters that `text` gives the service. `None`: it does not define it.
///
/// # Errors
/// What is wrong with the file, with its line.
pub fn find(text: &str, service: &str, path: &Path) -> Result<Option<ConnInfo>, String> {
    let mut found: Option<ConnInfo> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if name.strip_suffix(']').unwrap_or(name) == service {
                found = Some(ConnInfo::default());
            }
            continue;
        }
        let Some(info) = &mut found else { continue };
        let place = || format!("service file \"{}\", line {number}", path.display());
        if line.starts_with("ldap") && line.contains("://") {
            return Err(format!("LDAP look-up is not supported in {}", place()));
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(format!("syntax error in {}", place()));
        };
        if key == "service" || key == "servicefile" {
            return Err(format!("nested \"{key}\" is not supported in {}", place()));
        }
        // The first of two lines counts, as in libpq.
        if info.iter().all(|(k, _)| k != key) {
            info.store(key, value).map_err(|e| format!("{e} in {}", place()))?;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_found_between_others() {
        let text = "# mine\n[a]\nhost=ha\n\n[b]\n  host=hb\nport=5433\nhost=again\n# x\noptions=-c a=b \n[c]\nhost=hc\n[b]\nuser=late\n";
        let get = |name| find(text, name, Path::new("f")).map(|f| f.map(|i| i.with_secrets()));
        assert_eq!(get("a"), Ok(Some("host=ha".to_owned())));
        assert_eq!(get("b"), Ok(Some("host=hb port=5433 options='-c a=b'".to_owned())));
        assert_eq!(get("nope"), Ok(None));
    }

    #[test]
    fn a_bad_line_is_an_error_with_its_place_unless_it_is_anothers() {
        for (why, text, want) in [
            ("no equals sign", "[a]\nhost\n", "syntax error in service file \"f\", line 2"),
            (
                "unknown keyword",
                "[a]\n\nhots=x",
                "invalid connection option \"hots\" in service file \"f\", line 3",
            ),
            ("nested", "[a]\nservice=b", "nested \"service\" is not supported in service file \"f\", line 2"),
            ("LDAP", "[a]\nldap://x/y", "LDAP look-up is not supported in service file \"f\", line 2"),
        ] {
            assert_eq!(find(text, "a", Path::new("f")), Err(want.to_owned()), "{why}");
            assert_eq!(find(text, "b", Path::new("f")), Ok(None), "{why}, in another service");
        }
    }
}
