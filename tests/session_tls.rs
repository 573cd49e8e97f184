//! TLS against a real server, with certificates made for the test.
#![allow(clippy::disallowed_methods, reason = "tests start servers and programs themselves")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of tests may fail like one"
)]
#![allow(clippy::too_many_lines, reason = "one server serves a whole table of cases")]

mod session_support;

use hg_repmgr::pg::session::{Failure, PgError, Session};
use hg_repmgr::pg::wire::Wire;
use session_support::{Cluster, ask, env, info, seconds};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

fn openssl(dir: &Path, args: &str) {
    let out =
        Command::new("openssl").args(args.split_whitespace()).current_dir(dir).output().expect("openssl");
    assert!(out.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&out.stderr));
}

/// Two authorities and what they signed: `good` for db.test and 127.0.0.1, `cn` with a name of the old kind,
/// `v1` as OpenSSL makes it by default, `self` signed by itself, `client` for the role tls.
fn certificates(dir: &Path) {
    std::fs::write(dir.join("good.ext"), "subjectAltName=DNS:db.test,IP:127.0.0.1\n").unwrap();
    std::fs::write(dir.join("cn.ext"), "basicConstraints=CA:FALSE\n").unwrap();
    for ca in ["ca", "other"] {
        openssl(
            dir,
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout {ca}.key -out {ca}.crt -subj /CN={ca}"
            ),
        );
    }
    for (name, subject, extensions) in [
        ("good", "/CN=ignored", "-extfile good.ext"),
        ("cn", "/CN=db.test", "-extfile cn.ext"),
        ("v1", "/CN=db.test", ""),
        ("client", "/CN=tls", "-extfile cn.ext"),
    ] {
        openssl(
            dir,
            &format!("req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj {subject}"),
        );
        openssl(
            dir,
            &format!(
                "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out {name}.crt {extensions}"
            ),
        );
    }
    openssl(
        dir,
        "req -x509 -newkey rsa:2048 -nodes -days 2 -keyout self.key -out self.crt -subj /CN=db.test",
    );
    openssl(dir, "pkcs8 -topk8 -in client.key -out locked.key -passout pass:x");
    for (key, mode) in [("client.key", 0o600), ("locked.key", 0o600), ("good.key", 0o644)] {
        std::fs::set_permissions(dir.join(key), std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

struct Lab {
    server: Cluster,
    dir: PathBuf,
}

impl Lab {
    fn present(&self, name: &str) {
        for (from, to) in [
            (format!("{name}.crt"), "server.crt"),
            (format!("{name}.key"), "server.key"),
            ("ca.crt".to_owned(), "root.crt"),
        ] {
            let to = self.server.data().join(to);
            std::fs::copy(self.dir.join(from), &to).unwrap();
            let out =
                Command::new("chown").arg("--reference").arg(self.server.data()).arg(&to).output().unwrap();
            assert!(out.status.success());
            std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        self.server.restart();
    }

    fn string(&self, user: &str, rest: &str) -> String {
        let rest = rest.replace("DIR", self.dir.to_str().unwrap());
        format!("hostaddr=127.0.0.1 port={} user={user} dbname=postgres {rest}", self.server.port)
    }

    /// `Ok(true)`: over TLS.
    fn try_it(&self, user: &str, rest: &str) -> Result<bool, PgError> {
        let mut s = Session::connect_in(&info(&self.string(user, rest)), env(&[]), seconds(8))?;
        Ok(ask(&mut s, "SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()")
            == "t")
    }
}

#[test]
fn every_sslmode_accepts_and_refuses_what_libpq_does() {
    let hba = "local all all trust\nhostssl all onlytls 127.0.0.1/32 trust\nhostnossl all onlyplain 127.0.0.1/32 trust\nhostssl all tls 127.0.0.1/32 cert\nhostssl replication tls 127.0.0.1/32 cert\nhostssl all scram 127.0.0.1/32 scram-sha-256\nhost all either 127.0.0.1/32 trust\nhost all plainscram 127.0.0.1/32 scram-sha-256\n";
    let Some(server) =
        Cluster::start("tls", "ssl_ca_file='root.crt'\nssl_min_protocol_version='TLSv1.2'", hba)
    else {
        return;
    };
    let dir = server.dir.join("certs");
    std::fs::create_dir(&dir).unwrap();
    certificates(&dir);
    let lab = Lab { server, dir };
    for role in ["onlytls", "onlyplain", "either"] {
        lab.server.psql(&format!("CREATE ROLE {role} LOGIN"));
    }
    lab.server.psql("CREATE ROLE tls LOGIN REPLICATION");
    lab.server.psql("CREATE ROLE scram LOGIN PASSWORD 'pw'");
    lab.server.psql("CREATE ROLE plainscram LOGIN PASSWORD 'pw'");
    assert!(!lab.try_it("either", "host=db.test sslmode=prefer").unwrap(), "a server without TLS");
    lab.server.psql("ALTER SYSTEM SET ssl = on");
    lab.present("good");

    let ca = "host=db.test sslrootcert=DIR/ca.crt";
    let other = "host=db.test sslrootcert=DIR/other.crt";
    let client = "host=db.test sslmode=require sslcert=DIR/client.crt";
    let tls: Result<bool, (Failure, &str)> = Ok(true);
    let plain = Ok(false);
    let refused = |words: &'static str| Err((Failure::Tls, words));
    let denied = |words: &'static str| Err((Failure::Denied, words));
    for (why, user, rest, want) in [
        ("disable", "either", "sslmode=disable".to_owned(), plain),
        ("allow: plain when it may be", "either", "sslmode=allow".to_owned(), plain),
        ("allow: TLS when it must be", "onlytls", "sslmode=allow".to_owned(), tls),
        ("prefer", "either", "sslmode=prefer".to_owned(), tls),
        ("prefer is the default", "either", String::new(), tls),
        ("prefer: plain when pg_hba.conf wants it", "onlyplain", String::new(), plain),
        (
            "prefer: plain when the certificate is not good",
            "either",
            format!("{other} sslmode=prefer"),
            plain,
        ),
        ("disable, TLS demanded", "onlytls", "sslmode=disable".to_owned(), denied("no encryption")),
        ("require, plain demanded", "onlyplain", "sslmode=require".to_owned(), denied("SSL encryption")),
        ("require", "either", "sslmode=require".to_owned(), tls),
        (
            "require with a root verifies",
            "either",
            format!("{other} sslmode=require"),
            refused("UnknownIssuer"),
        ),
        ("verify-ca", "either", format!("{ca} sslmode=verify-ca"), tls),
        (
            "verify-ca does not mind the name",
            "either",
            "host=else.test sslrootcert=DIR/ca.crt sslmode=verify-ca".to_owned(),
            tls,
        ),
        ("verify-ca, wrong CA", "either", format!("{other} sslmode=verify-ca"), refused("UnknownIssuer")),
        (
            "verify-ca, no root",
            "either",
            "host=db.test sslmode=verify-ca".to_owned(),
            refused("root certificate file \"~/.postgresql/root.crt\" does not exist"),
        ),
        ("verify-full", "either", format!("{ca} sslmode=verify-full"), tls),
        (
            "verify-full, by address",
            "either",
            "host=127.0.0.1 sslrootcert=DIR/ca.crt sslmode=verify-full".to_owned(),
            tls,
        ),
        (
            "verify-full, wrong name",
            "either",
            "host=else.test sslrootcert=DIR/ca.crt sslmode=verify-full".to_owned(),
            refused("not valid for name"),
        ),
        ("verify-full, wrong CA", "either", format!("{other} sslmode=verify-full"), refused("UnknownIssuer")),
        (
            "verify-full, no name",
            "either",
            "sslrootcert=DIR/ca.crt sslmode=verify-full".to_owned(),
            refused("host name must be specified"),
        ),
        (
            "root without a certificate",
            "either",
            "host=db.test sslrootcert=DIR/ca.key sslmode=verify-ca".to_owned(),
            refused("holds none in PEM form"),
        ),
        ("TLS 1.2", "either", "sslmode=require ssl_max_protocol_version=TLSv1.2".to_owned(), tls),
        (
            "no protocol left",
            "either",
            "ssl_max_protocol_version=TLSv1.1".to_owned(),
            Err((Failure::BadConnInfo, "no protocol")),
        ),
        ("client certificate", "tls", format!("{client} sslkey=DIR/client.key"), tls),
        (
            "client certificate and verify-full",
            "tls",
            format!("{ca} sslmode=verify-full sslcert=DIR/client.crt sslkey=DIR/client.key"),
            tls,
        ),
        (
            "no client certificate",
            "tls",
            "sslmode=require".to_owned(),
            denied("requires a valid client certificate"),
        ),
        ("for another role", "onlytls", format!("{client} sslkey=DIR/client.key"), tls),
        (
            "open key",
            "tls",
            format!("{client} sslkey=DIR/good.key"),
            refused("good.key\" has group or world access"),
        ),
        (
            "key with a passphrase",
            "tls",
            format!("{client} sslkey=DIR/locked.key"),
            refused("is encrypted, which is not supported"),
        ),
        (
            "certificate missing",
            "tls",
            "sslmode=require sslcert=DIR/nope.crt".to_owned(),
            refused("nope.crt\" does not exist"),
        ),
        ("key missing", "tls", client.to_owned(), refused("but not the private key")),
        (
            "SCRAM with channel binding",
            "scram",
            "sslmode=require channel_binding=require password=pw".to_owned(),
            tls,
        ),
        (
            "channel binding without TLS",
            "plainscram",
            "sslmode=disable channel_binding=require password=pw".to_owned(),
            denied(""),
        ),
    ] {
        check(&lab, why, user, &rest, want);
    }
    let replication = lab.string("tls", &format!("{client} sslkey=DIR/client.key"));
    let mut wire = Wire::connect_in(&info(&replication), env(&[]), seconds(8)).unwrap();
    wire.identify_system().unwrap();

    for (certificate, why, rest, want) in [
        ("cn", "common name", format!("{ca} sslmode=verify-full"), tls),
        (
            "cn",
            "another common name",
            "host=else.test sslrootcert=DIR/ca.crt sslmode=verify-full".to_owned(),
            refused("server certificate for \"db.test\" does not match host name \"else.test\""),
        ),
        (
            "self",
            "self-signed, its own root",
            "host=db.test sslrootcert=DIR/self.crt sslmode=verify-full".to_owned(),
            tls,
        ),
        (
            "self",
            "self-signed, wrong name",
            "host=else.test sslrootcert=DIR/self.crt sslmode=verify-full".to_owned(),
            refused("does not match host name"),
        ),
        ("self", "self-signed, another root", format!("{ca} sslmode=verify-ca"), refused("SSL error")),
        ("v1", "version 1, not verified", "sslmode=require".to_owned(), tls),
        ("v1", "version 1, to be verified", format!("{ca} sslmode=verify-ca"), refused("X.509 version 1")),
    ] {
        lab.present(certificate);
        check(&lab, why, "either", &rest, want);
    }
}

fn check(lab: &Lab, why: &str, user: &str, rest: &str, want: Result<bool, (Failure, &str)>) {
    match (lab.try_it(user, rest), want) {
        (Ok(got), Ok(want)) => assert_eq!(got, want, "{why}"),
        (Err(e), Err((failure, words))) => {
            assert!(e.failure == failure && e.message.contains(words), "{why}: {e:?}");
        }
        (got, want) => panic!("{why}: {got:?}, not {want:?}"),
    }
}
