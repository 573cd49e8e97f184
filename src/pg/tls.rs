//! TLS as libpq's ssl* keywords describe it, by rustls.

use super::environment::Environment;
use super::error::{Failure, PgError};
use super::tls_verify::{Check, Verifier};
use crate::domain::conninfo::ConnInfo;
use crate::sys::files;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, SupportedProtocolVersion};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// Plain first, TLS when the server refuses that.
    Allow,
    /// TLS first, plain when that cannot be had.
    Prefer,
    /// TLS; the certificate is verified only when there is a root certificate.
    Require,
    /// TLS, and a trusted authority signed the certificate.
    VerifyCa,
    /// As before, and the certificate is for the host that was asked for.
    VerifyFull,
}

/// Files of certification authorities that distributions keep, for `sslrootcert=system`.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

fn failed(why: impl Into<String>) -> PgError {
    PgError::new(Failure::Tls, why)
}

impl SslMode {
    /// The mode that a connection string asks for; `sslrootcert=system` asks for verify-full.
    ///
    /// # Errors
    /// [`Failure::BadConnInfo`]: no such mode.
    pub fn of(info: &ConnInfo) -> Result<Self, PgError> {
        let bad = |key: &str, value: &str| {
            PgError::new(Failure::BadConnInfo, format!("invalid {key} value: \"{value}\""))
        };
        let system = info.get("sslrootcert") == Some("system");
        Ok(match info.get("sslmode") {
            None if system => Self::VerifyFull,
            None | Some("prefer") => Self::Prefer,
            Some("disable") => Self::Disable,
            Some("allow") => Self::Allow,
            Some("require") => Self::Require,
            Some("verify-ca") => Self::VerifyCa,
            Some("verify-full") => Self::VerifyFull,
            Some(other) => return Err(bad("sslmode", other)),
        })
    }
}

/// The name that the server must prove and that SNI carries, as text that rustls takes.
///
/// # Errors
/// [`Failure::Tls`]: verify-full, and the string names no host.
pub fn server_name(
    host: Option<&str>,
    address: Option<std::net::IpAddr>,
    mode: SslMode,
) -> Result<String, PgError> {
    match host {
        Some(host) if ServerName::try_from(host).is_ok() => Ok(host.to_owned()),
        Some(host) if mode == SslMode::VerifyFull => {
            Err(failed(format!("\"{host}\" cannot be the name in a certificate")))
        }
        None if mode == SslMode::VerifyFull => {
            Err(failed("host name must be specified for a verified SSL connection")
                .hint("set host beside hostaddr in the conninfo"))
        }
        Some(_) | None => Ok(address.map_or_else(|| "localhost".to_owned(), |a| a.to_string())),
    }
}

/// The settings of a handshake. Reads the files that the connection string names, or those in `~/.postgresql`.
///
/// # Errors
/// [`Failure::Tls`]: a file is missing, unreadable, or holds what rustls cannot use.
pub fn client_config(info: &ConnInfo, mode: SslMode, env: &Environment) -> Result<ClientConfig, PgError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Verifier::new(Arc::clone(&provider), check(info, mode, env, &provider)?));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(info)?)
        .map_err(|e| failed(e.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match client_certificate(info, env)? {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|e| failed(format!("client certificate and key cannot be used: {e}")))?,
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = info.get("sslsni") != Some("0");
    if info.get("sslnegotiation") == Some("direct") {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(config)
}

fn check(
    info: &ConnInfo,
    mode: SslMode,
    env: &Environment,
    provider: &Arc<CryptoProvider>,
) -> Result<Check, PgError> {
    let file = match info.get("sslrootcert") {
        Some("system") => SYSTEM_ROOTS.iter().map(PathBuf::from).find(|p| p.exists()),
        Some(path) => Some(path.into()),
        None => env.home_file(".postgresql/root.crt"),
    };
    let Some(file) = file.filter(|f| f.exists()) else {
        if mode < SslMode::VerifyCa {
            return Ok(Check::Nothing);
        }
        let named =
            info.get("sslrootcert").map_or_else(|| "~/.postgresql/root.crt".to_owned(), str::to_owned);
        return Err(failed(format!("root certificate file \"{named}\" does not exist")).hint(
            "provide the file, name it with sslrootcert, or change sslmode to not verify the server's certificate",
        ));
    };
    let roots: Vec<CertificateDer<'static>> = pem(&file, "root certificate")?;
    let crls = revocations(info, env)?;
    let (roots, crls) = (&roots, crls);
    if mode == SslMode::VerifyFull {
        Check::chain_and_name(roots, crls, provider)
    } else {
        Check::chain(roots, crls, provider)
    }
    .map_err(|why| failed(format!("root certificate file \"{}\": {why}", file.display())))
}

fn revocations(
    info: &ConnInfo,
    env: &Environment,
) -> Result<Vec<CertificateRevocationListDer<'static>>, PgError> {
    if info.get("sslcrldir").is_some() {
        return Err(
            failed("sslcrldir is not supported").hint("put the lists into one file and name it with sslcrl")
        );
    }
    match info.get("sslcrl").map(PathBuf::from).or_else(|| env.home_file(".postgresql/root.crl")) {
        Some(file) if file.exists() => pem(&file, "certificate revocation list"),
        Some(_) | None => Ok(Vec::new()),
    }
}

fn pem<T: PemObject>(file: &Path, what: &str) -> Result<Vec<T>, PgError> {
    let text = files::read_plain(file)
        .map_err(|e| failed(format!("could not read {what} file \"{}\": {e}", file.display())))?;
    match T::pem_slice_iter(&text).collect::<Result<Vec<T>, _>>() {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(failed(format!("{what} file \"{}\" holds none in PEM form", file.display()))),
        Err(e) => Err(failed(format!("could not read {what} file \"{}\": {e}", file.display()))),
    }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn client_certificate(info: &ConnInfo, env: &Environment) -> Result<Option<Identity>, PgError> {
    if info.get("sslcertmode") == Some("disable") {
        return Ok(None);
    }
    let file = |key, default: &str| info.get(key).map(PathBuf::from).or_else(|| env.home_file(default));
    let Some(cert) = file("sslcert", ".postgresql/postgresql.crt").filter(|f| f.exists()) else {
        return match info.get("sslcert") {
            Some(path) => Err(failed(format!("certificate file \"{path}\" does not exist"))),
            None => Ok(None),
        };
    };
    let Some(key) = file("sslkey", ".postgresql/postgresql.key").filter(|f| f.exists()) else {
        return Err(failed(format!(
            "certificate present, but not the private key of \"{}\"",
            cert.display()
        ))
        .hint("name the key with sslkey"));
    };
    key_is_private(&key)?;
    let text = files::read_plain(&key)
        .map_err(|e| failed(format!("could not read private key file \"{}\": {e}", key.display())))?;
    if String::from_utf8_lossy(&text).contains("ENCRYPTED") {
        return Err(failed(format!(
            "private key file \"{}\" is encrypted, which is not supported",
            key.display()
        ))
        .hint("store the key without a passphrase, readable by its owner only"));
    }
    let parsed = PrivateKeyDer::from_pem_slice(&text);
    let parsed =
        parsed.map_err(|e| failed(format!("could not load private key file \"{}\": {e}", key.display())))?;
    Ok(Some((pem(&cert, "certificate")?, parsed)))
}

/// libpq's rule: 0600, or 0640 when root owns it.
fn key_is_private(key: &Path) -> Result<(), PgError> {
    let meta = std::fs::metadata(key)
        .map_err(|e| failed(format!("private key file \"{}\" cannot be read: {e}", key.display())))?;
    let open = if meta.uid() == 0 { 0o027 } else { 0o077 };
    if meta.mode() & open == 0 {
        return Ok(());
    }
    Err(failed(format!("private key file \"{}\" has group or world access", key.display()))
        .hint("permissions must be u=rw (0600) or less, or u=rw,g=r (0640) if owned by root"))
}

/// rustls speaks 1.2 and 1.3; older bounds only widen what the server may offer.
fn versions(info: &ConnInfo) -> Result<Vec<&'static SupportedProtocolVersion>, PgError> {
    let rank = |key: &str, default: u8| match info.get(key) {
        None => Ok(default),
        Some("TLSv1" | "TLSv1.0") => Ok(0),
        Some("TLSv1.1") => Ok(1),
        Some("TLSv1.2") => Ok(2),
        Some("TLSv1.3") => Ok(3),
        Some(other) => Err(PgError::new(Failure::BadConnInfo, format!("invalid {key} value: \"{other}\""))),
    };
    let allowed = rank("ssl_min_protocol_version", 2)?..=rank("ssl_max_protocol_version", 3)?;
    let known = [(2, &rustls::version::TLS12), (3, &rustls::version::TLS13)];
    let versions: Vec<_> =
        known.into_iter().filter(|(rank, _)| allowed.contains(rank)).map(|(_, v)| v).collect();
    if versions.is_empty() {
        return Err(PgError::new(
            Failure::BadConnInfo,
            "ssl_min_protocol_version and ssl_max_protocol_version leave no protocol (TLSv1.2 and TLSv1.3 are supported)",
        ));
    }
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn files_that_cannot_be_read_say_why_and_keep_nobody_waiting() {
        let dir = std::env::temp_dir().join(format!("tls-files-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("folder")).unwrap();
        std::fs::set_permissions(dir.join("folder"), PermissionsExt::from_mode(0o700)).unwrap();
        std::fs::write(dir.join("cert"), "x").unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, dir.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        for (why, text, mode, want) in [
            ("root certificate", "sslrootcert=DIR/pipe", SslMode::VerifyCa, "not a plain file"),
            ("key: pipe", "sslcert=DIR/cert sslkey=DIR/pipe", SslMode::Require, "pipe\": not a plain file"),
            (
                "key: the system's own words",
                "sslcert=DIR/cert sslkey=DIR/folder",
                SslMode::Require,
                "folder\": not a plain",
            ),
        ] {
            let info = ConnInfo::parse(&text.replace("DIR", &dir.to_string_lossy())).unwrap();
            let error = client_config(&info, mode, &Environment::default()).unwrap_err();
            assert!(error.message.contains(want), "{why}: {}", error.message);
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
