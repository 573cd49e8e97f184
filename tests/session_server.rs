//! Sessions, pings and replication connections against a real server.
#![allow(clippy::disallowed_methods, reason = "tests start servers and programs themselves")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of tests may fail like one"
)]
#![allow(clippy::too_many_lines, reason = "one server serves a whole table of cases")]

mod session_support;

use hg_repmgr::domain::lsn::{Lsn, Timeline};
use hg_repmgr::pg::environment::Environment;
use hg_repmgr::pg::ping::{Ping, ping_in};
use hg_repmgr::pg::session::{Failure, PgError, Session, connect_patience};
use hg_repmgr::pg::wire::Wire;
use hg_repmgr::sys::clock::{self, Deadline};
use hg_repmgr::sys::parallel::in_parallel;
use session_support::{Cluster, as_postgres, ask, connect, env, info, seconds};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const SECRET: &str = "s3cr3t: 'x\\y";

fn quoted(password: &str) -> String {
    hg_repmgr::domain::conninfo::quoted(password)
}

/// What no message may hold.
fn assert_discreet(error: &PgError) {
    let all = format!("{error} {error:?}");
    assert!(!all.contains("s3cr3t") && !all.contains("wr0ng"), "{all}");
}

#[test]
fn every_password_method_lets_the_right_password_in_and_names_the_refusal_of_a_wrong_one() {
    let me = Environment::of_process().user.unwrap();
    let hba = format!(
        "local all {me} peer\nlocal all postgres trust\nlocal all all scram-sha-256\nhost all scram 127.0.0.1/32 scram-sha-256\nhost all md5er 127.0.0.1/32 md5\nhost all clear 127.0.0.1/32 password\nhost all postgres 127.0.0.1/32 trust\nhost all norole 127.0.0.1/32 trust\nlocal replication all scram-sha-256\nhost replication scram 127.0.0.1/32 scram-sha-256\n"
    );
    let Some(server) = Cluster::start("auth", "max_connections=20", &hba) else { return };
    let literal = "'s3cr3t: ''x\\y'";
    server.psql(&format!(
        "CREATE ROLE scram LOGIN REPLICATION PASSWORD {literal}; CREATE ROLE clear LOGIN PASSWORD {literal}; CREATE ROLE \"{me}\" LOGIN; SET password_encryption='md5'; CREATE ROLE md5er LOGIN PASSWORD {literal}"
    ).replace("; ", ";"));
    let port = server.port;
    let password = quoted(SECRET);
    let tcp = format!("host=127.0.0.1 port={port} dbname=postgres");

    for user in ["scram", "md5er", "clear"] {
        let mut s = connect(&format!("{tcp} user={user} password={password}")).unwrap();
        assert_eq!(ask(&mut s, "SELECT current_user"), user);
        let wrong = connect(&format!("{tcp} user={user} password=wr0ng")).unwrap_err();
        assert!(wrong.is(Failure::Denied) && wrong.has_sqlstate("28P01"), "{wrong:?}");
        assert_eq!(
            wrong.message,
            format!(
                "connection to server at \"127.0.0.1\", port {port} failed: FATAL:  password authentication failed for user \"{user}\""
            )
        );
        assert_discreet(&wrong);
        let none = connect(&format!("{tcp} user={user}")).unwrap_err();
        assert!(none.is(Failure::Denied) && none.message.ends_with("no password supplied"), "{none:?}");
        assert!(none.hint.unwrap().contains(".pgpass"));
    }
    let uri =
        format!("postgresql://scram:s3cr3t%3A%20%27x%5Cy@127.0.0.1:{port}/postgres?application_name=uri");
    assert_eq!(ask(&mut connect(&uri).unwrap(), "SHOW application_name"), "uri");
    assert_eq!(ask(&mut connect(&server.socket()).unwrap(), "SELECT current_user"), "postgres", "trust");
    let peer = format!("host={} port={port} user={me} dbname=postgres", server.dir.display());
    assert_eq!(ask(&mut connect(&peer).unwrap(), "SELECT current_user"), me, "peer");
    let peer = connect(&format!("{} requirepeer=nobody", server.socket())).unwrap_err();
    assert!(peer.is(Failure::Denied) && peer.message.contains("requirepeer"), "{peer:?}");
    assert!(connect(&format!("{} requirepeer=postgres", server.socket())).is_ok());

    for (text, failure, sqlstate, words) in [
        (
            format!("{tcp} user=stranger"),
            Failure::Denied,
            Some("28000"),
            "no pg_hba.conf entry for host \"127.0.0.1\", user \"stranger\"",
        ),
        (format!("{tcp} user=norole"), Failure::Denied, Some("28000"), "role \"norole\" does not exist"),
        (
            format!("host=127.0.0.1 port={port} user=postgres dbname=nope"),
            Failure::Denied,
            Some("3D000"),
            "database \"nope\" does not exist",
        ),
        (
            "host=127.0.0.1 port=1 user=u".to_owned(),
            Failure::Refused,
            None,
            "connection to server at \"127.0.0.1\", port 1 failed: Connection refused",
        ),
        (
            "host=no.such.host.invalid user=u".to_owned(),
            Failure::Lookup,
            None,
            "could not translate host name \"no.such.host.invalid\" to address: ",
        ),
        (
            format!("host=/nonexistent port={port} user=u"),
            Failure::Refused,
            None,
            "on socket \"/nonexistent/.s.PGSQL.",
        ),
        (
            format!("{tcp} user=postgres sslmode=require"),
            Failure::Tls,
            None,
            "server does not support SSL, but SSL was required",
        ),
        (
            format!("{tcp} user=postgres sslmode=maybe"),
            Failure::BadConnInfo,
            None,
            "invalid sslmode value: \"maybe\"",
        ),
        (
            format!("{tcp} user=postgres connect_timeout=x"),
            Failure::BadConnInfo,
            None,
            "invalid integer value \"x\"",
        ),
        (
            format!("{tcp} user=postgres service=nope"),
            Failure::BadConnInfo,
            None,
            "definition of service \"nope\" not found",
        ),
        (
            format!("{tcp} user=postgres options='-c nope=1'"),
            Failure::Denied,
            Some("42704"),
            "unrecognized configuration parameter \"nope\"",
        ),
    ] {
        let e = connect(&text).unwrap_err();
        assert_eq!((e.failure, e.sqlstate.as_deref()), (failure, sqlstate), "{e:?}");
        assert!(e.message.contains(words) && !e.message.contains('\n'), "{e:?}");
    }

    // Password and service files.
    let pass = server.dir.join("pass");
    let escaped = SECRET.replace('\\', "\\\\").replace(':', "\\:");
    std::fs::write(
        &pass,
        format!("# mine\n127.0.0.1:{port}:postgres:scram:{escaped}\n*:*:replication:scram:{escaped}\n"),
    )
    .unwrap();
    std::fs::set_permissions(&pass, std::fs::Permissions::from_mode(0o600)).unwrap();
    let service = server.dir.join("services");
    std::fs::write(
        &service,
        format!(
            "[main]\nhost=127.0.0.1\nport={port}\nuser=scram\ndbname=postgres\npassfile={}\n",
            pass.display()
        ),
    )
    .unwrap();
    let (pass_text, service_text) = (pass.to_str().unwrap(), service.to_str().unwrap());
    for (why, text, variables) in [
        ("passfile=", format!("{tcp} user=scram passfile={pass_text}"), vec![]),
        ("PGPASSFILE", format!("{tcp} user=scram"), vec![("PGPASSFILE", pass_text)]),
        ("PGPASSWORD", format!("{tcp} user=scram"), vec![("PGPASSWORD", SECRET)]),
        ("PGSERVICE", String::new(), vec![("PGSERVICE", "main"), ("PGSERVICEFILE", service_text)]),
        ("service=", "service=main".to_owned(), vec![("PGSERVICEFILE", service_text)]),
    ] {
        let mut s = Session::connect_in(&info(&text), env(&variables), seconds(5)).expect(why);
        assert_eq!(ask(&mut s, "SELECT current_user"), "scram", "{why}");
        assert!(s.warnings().is_empty());
    }
    // The word `replication`, and only it, opens a replication connection by the file.
    for (why, text) in [
        ("over TCP", format!("{tcp} user=scram passfile={pass_text}")),
        (
            "over the socket",
            format!("host={} port={port} user=scram passfile={pass_text}", server.dir.display()),
        ),
    ] {
        assert!(Wire::connect_in(&info(&text), env(&[]), seconds(5)).is_ok(), "{why}");
    }
    let socket =
        format!("host={} port={port} user=scram dbname=postgres passfile={pass_text}", server.dir.display());
    assert!(connect(&socket).unwrap_err().is(Failure::Denied), "no line for this host");
    std::fs::set_permissions(&pass, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = connect(&format!("{tcp} user=scram passfile={pass_text}")).unwrap_err();
    assert!(open.is(Failure::Denied) && open.hint.as_ref().unwrap().contains("0600"), "{open:?}");
    let s = connect(&format!("{} passfile={pass_text}", server.tcp())).unwrap();
    assert!(s.warnings()[0].contains("0600"), "told though it was not needed: {:?}", s.warnings());
}

#[test]
fn a_session_has_repmgrs_defaults_and_runs_queries_and_transactions() {
    let Some(server) = Cluster::start("query", "", "local all all trust\nhost all all 127.0.0.1/32 trust\n")
    else {
        return;
    };
    let mut s = connect(&server.tcp()).unwrap();
    assert_eq!(ask(&mut s, "SHOW application_name"), "repmgr");
    assert_eq!(ask(&mut s, "SHOW search_path"), "");
    assert_eq!(ask(&mut s, "SHOW statement_timeout"), "61s");
    s.set_limit(Duration::from_secs(5));
    assert_eq!(ask(&mut s, "SHOW statement_timeout"), "6s");
    assert_eq!(u64::from(s.version().0), server.psql("SHOW server_version_num").parse::<u64>().unwrap());
    assert_eq!(s.backend_pid().unwrap().to_string(), ask(&mut s, "SELECT pg_backend_pid()"));
    let mut own =
        connect(&format!("{} application_name=mine options='-c work_mem=1MB'", server.tcp())).unwrap();
    assert_eq!(ask(&mut own, "SHOW application_name"), "mine");
    assert_eq!(ask(&mut own, "SHOW work_mem"), "1MB");
    assert_eq!(ask(&mut own, "SHOW search_path"), "");

    s.batch("CREATE TABLE public.t (a int PRIMARY KEY, b text); INSERT INTO public.t VALUES (1, 'x')")
        .unwrap();
    assert_eq!(s.execute("INSERT INTO public.t VALUES ($1, $2)", &[&2i32, &"y"]).unwrap(), 1);
    let rows = s.query("SELECT a, b FROM public.t ORDER BY a", &[]).unwrap();
    assert_eq!((rows.len(), rows[1].get::<_, i32>(0), rows[1].get::<_, &str>(1)), (2, 2, "y"));
    assert!(s.query_opt("SELECT a FROM public.t WHERE a = $1", &[&9i32]).unwrap().is_none());
    let e = s.query("SELECT * FROM t", &[]).unwrap_err();
    assert!(e.is(Failure::Sql) && e.has_sqlstate("42P01"), "{e:?}");
    assert_eq!(e.message, "ERROR:  relation \"t\" does not exist");
    let e = s.execute("INSERT INTO public.t VALUES (1, '')", &[]).unwrap_err();
    assert_eq!(e.detail.as_deref(), Some("Key (a)=(1) already exists."));
    assert!(s.is_usable());

    let count = |s: &mut Session| ask(s, "SELECT count(*) FROM public.t");
    let done: Result<i32, PgError> = s.transaction(|s| {
        s.batch("INSERT INTO public.t VALUES (3, '')")?;
        Ok(7)
    });
    assert_eq!((done.unwrap(), count(&mut s).as_str()), (7, "3"));
    let failed: Result<(), PgError> = s.transaction(|s| {
        s.batch("INSERT INTO public.t VALUES (4, '')")?;
        s.batch("INSERT INTO public.t VALUES (1, '')")
    });
    assert!(failed.unwrap_err().has_sqlstate("23505"));
    assert_eq!(count(&mut s), "3");
    let own_error: Result<(), hg_repmgr::error::Error> = s.transaction(|s| {
        s.batch("INSERT INTO public.t VALUES (4, '')")?;
        Err(hg_repmgr::error::Error::new(hg_repmgr::exit::Exit::BadConfig, "no"))
    });
    assert_eq!((own_error.unwrap_err().message.as_str(), count(&mut s).as_str()), ("no", "3"));
    let swallowed: Result<(), PgError> = s.transaction(|s| {
        s.batch("INSERT INTO public.t VALUES (5, '')")?;
        assert!(s.batch("broken").is_err());
        s.set_limit(Duration::from_secs(9));
        assert!(s.batch("SELECT 1").unwrap_err().has_sqlstate("25P02"));
        Ok(())
    });
    assert!(swallowed.unwrap_err().has_sqlstate("25P02"), "a COMMIT that rolls back is no success");
    assert_eq!(count(&mut s), "3");
    assert_eq!(ask(&mut s, "SHOW statement_timeout"), "10s");
    drop(s);
    drop(own);
    let gone = clock::poll_until(seconds(5), Duration::from_millis(20), || {
        (server.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('repmgr','mine')")
            == "0")
            .then_some(())
    });
    assert!(gone.is_some(), "sessions end when they are dropped");
    let log = std::fs::read_to_string(server.dir.join("log")).unwrap();
    assert!(!log.contains("unexpected EOF"), "they say goodbye: {log}");
}

#[test]
fn a_late_query_ends_at_its_limit_and_is_cancelled_on_the_server() {
    let Some(server) = Cluster::start("late", "", "local all all trust\nhost all all 127.0.0.1/32 trust\n")
    else {
        return;
    };
    let mut s = connect(&format!("{} application_name=late", server.tcp())).unwrap();
    s.set_limit(Duration::from_millis(400));
    let start = clock::now();
    let e = s.query("SELECT pg_sleep(30)", &[]).unwrap_err();
    let took = clock::now().since(start);
    assert!(e.is(Failure::TimedOut), "{e:?}");
    assert_eq!(
        e.message,
        format!("no answer from server at \"127.0.0.1\", port {} within 400 ms", server.port)
    );
    assert!(took < Duration::from_millis(1100), "{took:?}");
    assert!(!s.is_usable());
    assert!(s.batch("SELECT 1").unwrap_err().is(Failure::Lost));
    let still = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'late' AND state = 'active'";
    let gone =
        clock::poll_until(Deadline::after(Duration::from_millis(800)), Duration::from_millis(20), || {
            (server.psql(still) == "0").then_some(())
        });
    assert!(gone.is_some(), "cancelled before statement_timeout would end it");
}

#[test]
fn a_server_that_hangs_holds_nobody_past_the_deadline() {
    let Some(mut server) =
        Cluster::start("hang", "", "local all all trust\nhost all all 127.0.0.1/32 trust\n")
    else {
        return;
    };
    let mut s = connect(&server.tcp()).unwrap();
    s.set_limit(Duration::from_millis(500));
    s.batch("SELECT 1").unwrap();
    server.freeze();
    for (why, text, deadline, most) in [
        ("connect_timeout", format!("{} connect_timeout=2", server.tcp()), 10, 2_500),
        ("1 means 2", format!("{} connect_timeout=1", server.tcp()), 10, 2_500),
        ("default 2 s", server.tcp(), 10, 2_500),
        ("the deadline beats it", format!("{} connect_timeout=30", server.tcp()), 1, 1_500),
        ("no end but the deadline", format!("{} connect_timeout=0", server.tcp()), 1, 1_500),
        ("on the socket", server.socket(), 1, 1_500),
    ] {
        let start = clock::now();
        let e = Session::connect_in(&info(&text), env(&[]), seconds(deadline)).unwrap_err();
        let took = clock::now().since(start);
        assert!(e.is(Failure::TimedOut) && e.message.ends_with("failed: timeout expired"), "{why}: {e:?}");
        assert!(took < Duration::from_millis(most) && took > Duration::from_millis(900), "{why}: {took:?}");
    }
    let start = clock::now();
    assert!(s.batch("SELECT 1").unwrap_err().is(Failure::TimedOut));
    assert!(clock::now().since(start) < Duration::from_millis(1_500), "query and cancel");
    let start = clock::now();
    assert_eq!(ping_in(&info(&server.tcp()), env(&[]), seconds(1)).0, Ping::NoResponse);
    drop(s);
    assert!(clock::now().since(start) < Duration::from_millis(1_500), "ping and farewell");
    server.thaw();
    connect(&server.tcp()).unwrap();
}

#[test]
fn a_restart_in_the_middle_loses_the_session_with_the_servers_words() {
    let Some(server) =
        Cluster::start("restart", "", "local all all trust\nhost all all 127.0.0.1/32 trust\n")
    else {
        return;
    };
    let mut idle = connect(&server.tcp()).unwrap();
    idle.batch("SELECT 1").unwrap();
    let mut busy = connect(&server.tcp()).unwrap();
    busy.set_limit(Duration::from_secs(20));
    let lost = std::thread::scope(|scope| {
        let query = scope.spawn(move || {
            busy.query("SELECT pg_sleep(30)", &[]).map(drop).map_err(|e| (e, busy.is_usable()))
        });
        clock::poll_until(seconds(5), Duration::from_millis(20), || {
            (server.psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep(30)%' AND state='active' AND pid <> pg_backend_pid()") == "1").then_some(())
        }).expect("the query runs");
        server.restart();
        query.join().unwrap().unwrap_err()
    });
    assert!(lost.0.is(Failure::Lost) && !lost.1, "{lost:?}");
    assert!(lost.0.message.contains("terminating connection due to administrator command"), "{lost:?}");
    let e = idle.batch("SELECT 1").unwrap_err();
    assert!(e.is(Failure::Lost) && !idle.is_usable(), "{e:?}");
    connect(&server.tcp()).unwrap();
}

#[test]
fn several_hosts_are_tried_in_turn_for_the_right_kind_of_server() {
    let hba = "local all all trust\nhost all all 127.0.0.1/32 trust\n";
    let Some(server) = Cluster::start("hosts", "", hba) else { return };
    let port = server.port;
    let port_of = |text: &str| {
        connect(text).map(|mut s| ask(&mut s, "SHOW port")).map_err(|e| (e.failure, e.message, e.detail))
    };
    for text in [
        format!("host=127.0.0.1,127.0.0.1 port=1,{port} user=postgres"),
        format!("host=no.such.host.invalid,127.0.0.1 port={port} user=postgres"),
        format!("host=x,y hostaddr=127.0.0.1,127.0.0.1 port=1,{port} user=postgres"),
        format!("host=/nonexistent,{} port={port} user=postgres", server.dir.display()),
        format!("postgres://postgres@127.0.0.1:1,127.0.0.1:{port}/postgres?target_session_attrs=read-write"),
        format!("host=127.0.0.1 port={port} user=postgres target_session_attrs=primary"),
        format!("host=127.0.0.1 port={port} user=postgres target_session_attrs=prefer-standby"),
        format!("host=localhost port={port} user=postgres"),
    ] {
        assert_eq!(port_of(&text), Ok(port.to_string()), "{text}");
    }
    let (failure, message, detail) =
        port_of("host=127.0.0.1,no.such.host.invalid,127.0.0.1 port=1,2,3 user=postgres").unwrap_err();
    assert_eq!(failure, Failure::Refused);
    assert!(message.contains("port 3"), "{message}");
    assert!(
        detail.as_ref().is_some_and(|d| d.contains("port 1") && d.contains("no.such.host")),
        "{detail:?}"
    );
    for (attrs, words) in
        [("standby", "server is not in hot standby mode"), ("read-only", "session is not read-only")]
    {
        let (failure, message, _) =
            port_of(&format!("host=127.0.0.1 port={port} user=postgres target_session_attrs={attrs}"))
                .unwrap_err();
        assert!(failure == Failure::Rejecting && message.contains(words), "{message}");
    }
    assert_eq!(
        connect_patience(&info("host=a,b,c connect_timeout=3"), Duration::from_secs(60)),
        Duration::from_secs(9)
    );
    assert_eq!(
        connect_patience(&info("host=a connect_timeout=0"), Duration::from_secs(60)),
        Duration::from_secs(60)
    );

    // As a standby of nobody.
    server.ctl(&["-w", "-m", "fast", "stop"]);
    std::fs::write(server.data().join("standby.signal"), "").unwrap();
    server.boot();
    for (attrs, want) in [
        ("standby", true),
        ("read-only", true),
        ("prefer-standby", true),
        ("any", true),
        ("primary", false),
        ("read-write", false),
    ] {
        let got = port_of(&format!("host=127.0.0.1 port={port} user=postgres target_session_attrs={attrs}"));
        assert_eq!(got.is_ok(), want, "{attrs} {got:?}");
    }
    let conns = [server.tcp(), "host=127.0.0.1 port=1 user=u".to_owned(), server.socket()];
    let got = in_parallel(conns.to_vec(), |text| connect(&text).map(|s| s.version()).is_ok());
    assert_eq!(got, [true, false, true]);
}

#[test]
fn ping_agrees_with_pg_isready() {
    let hba = "local all all trust\nhost all u 127.0.0.1/32 scram-sha-256\n";
    let Some(mut server) = Cluster::start("ping", "", hba) else { return };
    let port = server.port;
    let isready = |text: &str| {
        let out = as_postgres(&server.program("pg_isready"), &["-q", "-t", "2", "-d", text]);
        out.status.code().unwrap()
    };
    let tcp = format!("host=127.0.0.1 port={port}");
    let check = |why: &str, text: &str, want: Ping| {
        let got = ping_in(&info(text), env(&[]), seconds(2)).0;
        assert_eq!((got, i32::from(got.code())), (want, isready(text)), "{why}");
    };
    check("trusted", &server.socket(), Ping::Accepting);
    check("not in pg_hba.conf", &format!("{tcp} user=stranger"), Ping::Accepting);
    check("password wanted", &format!("{tcp} user=u"), Ping::Accepting);
    check("wrong password", &format!("{tcp} user=u password=x"), Ping::Accepting);
    check(
        "no such database",
        &format!("host={} port={port} user=postgres dbname=nope", server.dir.display()),
        Ping::Accepting,
    );
    check("the second host", &format!("host=127.0.0.1,127.0.0.1 port=1,{port} user=u"), Ping::Accepting);
    check("nothing listens", "host=127.0.0.1 port=1", Ping::NoResponse);
    check("no socket", "host=/nonexistent", Ping::NoResponse);
    check("no such host", "host=no.such.host.invalid", Ping::NoResponse);
    check("TLS demanded of a server without it", &format!("{tcp} user=u sslmode=require"), Ping::NoResponse);
    check("no such service", "service=nope", Ping::NoAttempt);
    check("bad sslmode", &format!("{tcp} sslmode=maybe"), Ping::NoAttempt);
    // A standby that has not reached consistency takes no connections.
    server.ctl(&["-w", "-m", "fast", "stop"]);
    check("stopped", &format!("{tcp} user=u"), Ping::NoResponse);
    std::fs::write(server.data().join("standby.signal"), "").unwrap();
    let conf = server.data().join("postgresql.conf");
    let text = std::fs::read_to_string(&conf).unwrap();
    std::fs::write(&conf, format!("{text}\nhot_standby=off\n")).unwrap();
    let log = server.dir.join("log");
    server.ctl(&["-l", log.to_str().unwrap(), "-W", "start"]);
    let up = clock::poll_until(seconds(5), Duration::from_millis(50), || (isready(&tcp) == 1).then_some(()));
    assert!(up.is_some(), "it never answered");
    check("rejecting", &format!("{tcp} user=u"), Ping::Rejecting);
    let e = connect(&format!("{tcp} user=u")).unwrap_err();
    assert!(e.is(Failure::Rejecting) && e.has_sqlstate("57P03"), "{e:?}");
    server.freeze();
    let got = ping_in(&info(&tcp), env(&[]), seconds(2)).0;
    assert_eq!(got, Ping::NoResponse, "hanging");
}

#[test]
fn a_replication_connection_tells_what_psql_is_told() {
    let hba = "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 trust\nhost replication rep 127.0.0.1/32 trust\n";
    let Some(server) = Cluster::start("wire", "max_replication_slots=1", hba) else { return };
    server.psql("CREATE ROLE rep LOGIN REPLICATION");
    server.psql("CREATE ROLE plain LOGIN");
    let text = format!("host=127.0.0.1 port={} user=rep", server.port);
    let wire = |text: &str| Wire::connect_in(&info(text), env(&[]), seconds(5));
    let mut w = wire(&text).unwrap();
    let who = w.identify_system().unwrap();
    assert_eq!(who.systemid.to_string(), server.psql("SELECT system_identifier FROM pg_control_system()"));
    assert_eq!((who.timeline, who.dbname.clone()), (Timeline(1), None));
    let flushed: Lsn = server.psql("SELECT pg_current_wal_flush_lsn()").parse().unwrap();
    assert!(who.xlogpos <= flushed && who.xlogpos > Lsn(0), "{who:?}");
    assert_eq!(w.show("port").unwrap(), server.port.to_string());
    assert_eq!(w.show("wal_segment_size").unwrap(), server.psql("SHOW wal_segment_size"));
    assert!(w.show("nope").unwrap_err().has_sqlstate("42704"));
    assert!(w.show("port; x").unwrap_err().is(Failure::Sql));
    assert_eq!(w.version().0.to_string(), server.psql("SHOW server_version_num"));

    w.create_physical_slot("repmgr_slot_2").unwrap();
    assert_eq!(
        server.psql("SELECT slot_name, slot_type, restart_lsn IS NOT NULL FROM pg_replication_slots"),
        "repmgr_slot_2|physical|t"
    );
    assert!(w.create_physical_slot("repmgr_slot_2").unwrap_err().has_sqlstate("42710"));
    assert!(w.create_physical_slot("another").unwrap_err().has_sqlstate("53400"));
    assert!(w.create_physical_slot("Bad name").unwrap_err().is(Failure::Sql));
    w.drop_slot("repmgr_slot_2").unwrap();
    assert!(w.drop_slot("repmgr_slot_2").unwrap_err().has_sqlstate("42704"));
    assert_eq!(server.psql("SELECT count(*) FROM pg_replication_slots"), "0");
    assert!(w.is_usable());

    assert_eq!(w.timeline_history(Timeline(1)).unwrap(), []);
    assert!(w.timeline_history(Timeline(2)).unwrap_err().sqlstate.is_some());
    for (why, text, words) in [
        (
            "no privilege",
            format!("host={} port={} user=plain", server.dir.display(), server.port),
            "must be superuser or replication role to start walsender",
        ),
        (
            "no entry",
            format!("host=127.0.0.1 port={} user=plain", server.port),
            "no pg_hba.conf entry for replication connection",
        ),
    ] {
        let e = wire(&text).unwrap_err();
        assert!(e.is(Failure::Denied) && e.message.contains(words), "{why} {e:?}");
    }
    // A promotion makes a history.
    drop(w);
    server.ctl(&["-w", "-m", "fast", "stop"]);
    std::fs::write(server.data().join("standby.signal"), "").unwrap();
    server.boot();
    server.ctl(&["-w", "promote"]);
    let mut w = wire(&text).unwrap();
    assert_eq!(w.identify_system().unwrap().timeline, Timeline(2));
    let history = w.timeline_history(Timeline(2)).unwrap();
    let file = std::fs::read_to_string(server.data().join("pg_wal/00000002.history")).unwrap();
    assert_eq!(w.timeline_history_text(Timeline(2)).unwrap().unwrap(), file);
    assert_eq!((history.len(), history[0].timeline), (1, Timeline(1)));
    assert!(file.contains(&history[0].lsn.to_string()));
}
