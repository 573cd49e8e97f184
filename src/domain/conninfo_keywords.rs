//! The keywords that libpq 10 to 18 know, each with its environment variable.

/// Whether a value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It may stand in a message.
    Openly,
    /// It is left out of every message.
    Never,
}

/// One keyword of a connection string.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    /// As written in a connection string.
    pub name: &'static str,
    /// The variable that supplies it. `None`: libpq reads none.
    pub variable: Option<&'static str>,
    /// Whether its value may be shown.
    pub shown: Shown,
}

const fn with(name: &'static str, variable: &'static str) -> Keyword {
    Keyword { name, variable: Some(variable), shown: Shown::Openly }
}

const fn bare(name: &'static str) -> Keyword {
    Keyword { name, variable: None, shown: Shown::Openly }
}

const fn secret(name: &'static str, variable: Option<&'static str>) -> Keyword {
    Keyword { name, variable, shown: Shown::Never }
}

/// Every keyword, in libpq's order. `authtype` and `tty` ended with 13, `min_protocol_version`, `servicefile`,
/// `oauth_*` and `scram_*_key` began with 18.
pub const KEYWORDS: &[Keyword] = &[
    with("service", "PGSERVICE"),
    with("servicefile", "PGSERVICEFILE"),
    with("user", "PGUSER"),
    secret("password", Some("PGPASSWORD")),
    with("passfile", "PGPASSFILE"),
    with("channel_binding", "PGCHANNELBINDING"),
    with("connect_timeout", "PGCONNECT_TIMEOUT"),
    with("dbname", "PGDATABASE"),
    with("host", "PGHOST"),
    with("hostaddr", "PGHOSTADDR"),
    with("port", "PGPORT"),
    with("client_encoding", "PGCLIENTENCODING"),
    with("options", "PGOPTIONS"),
    with("application_name", "PGAPPNAME"),
    bare("fallback_application_name"),
    bare("keepalives"),
    bare("keepalives_idle"),
    bare("keepalives_interval"),
    bare("keepalives_count"),
    bare("tcp_user_timeout"),
    with("sslmode", "PGSSLMODE"),
    with("sslnegotiation", "PGSSLNEGOTIATION"),
    with("sslcompression", "PGSSLCOMPRESSION"),
    with("sslcert", "PGSSLCERT"),
    with("sslkey", "PGSSLKEY"),
    with("sslcertmode", "PGSSLCERTMODE"),
    secret("sslpassword", None),
    with("sslrootcert", "PGSSLROOTCERT"),
    with("sslcrl", "PGSSLCRL"),
    with("sslcrldir", "PGSSLCRLDIR"),
    with("sslsni", "PGSSLSNI"),
    with("sslkeylogfile", "PGSSLKEYLOGFILE"),
    with("requirepeer", "PGREQUIREPEER"),
    with("require_auth", "PGREQUIREAUTH"),
    with("min_protocol_version", "PGMINPROTOCOLVERSION"),
    with("max_protocol_version", "PGMAXPROTOCOLVERSION"),
    with("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    with("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    with("gssencmode", "PGGSSENCMODE"),
    with("krbsrvname", "PGKRBSRVNAME"),
    with("gsslib", "PGGSSLIB"),
    with("gssdelegation", "PGGSSDELEGATION"),
    bare("replication"),
    with("target_session_attrs", "PGTARGETSESSIONATTRS"),
    with("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    secret("scram_client_key", None),
    secret("scram_server_key", None),
    bare("oauth_issuer"),
    bare("oauth_client_id"),
    secret("oauth_client_secret", None),
    bare("oauth_scope"),
    bare("authtype"),
    bare("tty"),
];

/// The entry of a keyword. `None`: libpq does not know it.
#[must_use]
pub fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|k| k.name == name)
}

/// Whether the value of this keyword may be shown; an unknown one may not.
#[must_use]
pub fn shown(name: &str) -> Shown {
    find(name).map_or(Shown::Never, |k| k.shown)
}
