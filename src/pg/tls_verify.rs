//! Verification of a server's certificate by libpq's rules on top of webpki's.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

/// What the words of an error begin with when the certificate is too old a kind to be verified.
const VERSION_1: &str = "the server's certificate is X.509 version 1, which cannot be verified: have it issued as version 3 (with extensions such as subjectAltName)";

/// The authorities in force.
#[derive(Debug)]
pub struct Trust {
    chain: Arc<WebPkiServerVerifier>,
    /// A server's own certificate may stand among the roots (self-signed): it is trusted by being the same.
    roots: Vec<CertificateDer<'static>>,
}

/// How much is verified.
#[derive(Debug)]
pub enum Check {
    /// Nothing: encryption only.
    Nothing,
    /// Who signed it.
    Chain(Trust),
    /// Who signed it, and for which host.
    ChainAndName(Trust),
}

impl Check {
    /// Verifies who signed the certificate.
    pub(super) fn chain(
        roots: &[CertificateDer<'static>],
        crls: Vec<CertificateRevocationListDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        trust(roots, crls, provider).map(Self::Chain)
    }

    /// Verifies the host too.
    pub(super) fn chain_and_name(
        roots: &[CertificateDer<'static>],
        crls: Vec<CertificateRevocationListDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        trust(roots, crls, provider).map(Self::ChainAndName)
    }
}

fn trust(
    roots: &[CertificateDer<'static>],
    crls: Vec<CertificateRevocationListDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Trust, String> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.iter().cloned());
    if store.is_empty() {
        return Err("no certificate in it can be used".to_owned());
    }
    let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider));
    if !crls.is_empty() {
        builder = builder.with_crls(crls).only_check_end_entity_revocation();
    }
    let chain = builder.build().map_err(|e| e.to_string())?;
    Ok(Trust { chain, roots: roots.to_vec() })
}

/// rustls's question, answered as libpq would.
#[derive(Debug)]
pub struct Verifier {
    provider: Arc<CryptoProvider>,
    check: Check,
}

impl Verifier {
    /// A verifier that checks this much.
    #[must_use]
    pub fn new(provider: Arc<CryptoProvider>, check: Check) -> Self {
        Self { provider, check }
    }

    const fn checks_nothing(&self) -> bool {
        matches!(self.check, Check::Nothing)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (trust, named) = match &self.check {
            Check::Nothing => return Ok(ServerCertVerified::assertion()),
            Check::Chain(trust) => (trust, None),
            Check::ChainAndName(trust) => (trust, Some(name)),
        };
        let cert = Certificate::from_der(end_entity)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        if cert.tbs_certificate.version == Version::V1 {
            return Err(Error::General(VERSION_1.to_owned()));
        }
        if trust.roots.iter().any(|root| root.as_ref() == end_entity.as_ref()) {
            within_validity(&cert, now)?;
        } else {
            match trust.chain.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
                // The chain is judged before the name: the chain is good.
                Ok(_)
                | Err(Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                )) => {}
                Err(e) => return Err(e),
            }
        }
        match named {
            Some(name) => verify_name(end_entity, &cert, name),
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.checks_nothing() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.checks_nothing() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn within_validity(cert: &Certificate, now: UnixTime) -> Result<(), Error> {
    let validity = &cert.tbs_certificate.validity;
    let now = now.as_secs();
    if now < validity.not_before.to_unix_duration().as_secs() {
        return Err(Error::InvalidCertificate(CertificateError::NotValidYet));
    }
    if now > validity.not_after.to_unix_duration().as_secs() {
        return Err(Error::InvalidCertificate(CertificateError::Expired));
    }
    Ok(())
}

/// subjectAltName counts; the common name does where there is none, as with libpq.
fn verify_name(
    der: &CertificateDer<'_>,
    cert: &Certificate,
    name: &ServerName<'_>,
) -> Result<ServerCertVerified, Error> {
    let by_alt_name =
        ParsedCertificate::try_from(der).and_then(|parsed| rustls::client::verify_server_name(&parsed, name));
    let Err(error) = by_alt_name else {
        return Ok(ServerCertVerified::assertion());
    };
    let extensions = cert.tbs_certificate.extensions.as_deref().unwrap_or_default();
    let has_alt_name = extensions.iter().any(|e| e.extn_id == SUBJECT_ALT_NAME);
    let common = common_name(cert);
    let host = name.to_str();
    if !has_alt_name && common.as_deref().is_some_and(|c| matches_host(c, &host)) {
        return Ok(ServerCertVerified::assertion());
    }
    match common.filter(|_| !has_alt_name) {
        Some(common) => Err(Error::General(format!(
            "server certificate for \"{common}\" does not match host name \"{host}\""
        ))),
        None => Err(error),
    }
}

fn common_name(cert: &Certificate) -> Option<String> {
    let mut names = cert.tbs_certificate.subject.0.iter().flat_map(|rdn| rdn.0.iter());
    let value = names.rfind(|a| a.oid == COMMON_NAME)?.value.value();
    std::str::from_utf8(value).ok().map(str::to_owned)
}

/// A wildcard stands for the first label only.
fn matches_host(pattern: &str, host: &str) -> bool {
    if pattern.contains('\0') {
        return false;
    }
    match pattern.strip_prefix("*.") {
        Some(domain) => host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain)),
        None => pattern.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::matches_host;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        for (pattern, host, want) in [
            ("db.example.org", "db.example.org", true),
            ("DB.example.org", "db.Example.ORG", true),
            ("*.example.org", "db.example.org", true),
            ("*.example.org", "a.db.example.org", false),
            ("*.example.org", "example.org", false),
            ("*", "db", false),
            ("db\0.evil", "db", false),
            ("db", "db.example.org", false),
        ] {
            assert_eq!(matches_host(pattern, host), want, "{pattern} {host}");
        }
    }
}
