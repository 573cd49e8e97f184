//! The catalogue of what we create: the tables and views of repmgr 5.3 in plain SQL, and our own.

/// Version of our own schema: the number of the last entry of [`OURS`].
pub const NEWEST: i32 = 2;

/// The newest major version of repmgr's extension whose tables this program knows.
pub const NEWEST_EXTENSION_MAJOR: u32 = 5;

/// What must stand in schema `repmgr` for any command to work.
pub const REQUIRED: [&str; 6] =
    ["nodes", "events", "monitoring_history", "voting_term", "show_nodes", "replication_status"];

/// Columns of `repmgr.nodes` that every version from 4.0 on has.
pub const NODE_COLUMNS: [&str; 11] = [
    "node_id",
    "upstream_node_id",
    "active",
    "node_name",
    "type",
    "location",
    "priority",
    "conninfo",
    "repluser",
    "slot_name",
    "config_file",
];

/// Statements that make schema `repmgr` without the extension, each safe to run again on a half-made one.
pub const PLAIN: [&str; 10] = [
    "CREATE TABLE IF NOT EXISTS repmgr.nodes (
        node_id          integer PRIMARY KEY,
        upstream_node_id integer REFERENCES repmgr.nodes (node_id) DEFERRABLE,
        active           boolean NOT NULL DEFAULT true,
        node_name        text NOT NULL,
        type             text NOT NULL CHECK (type IN ('primary', 'standby', 'witness', 'bdr')),
        location         text NOT NULL DEFAULT 'default',
        priority         integer NOT NULL DEFAULT 100,
        conninfo         text NOT NULL,
        repluser         varchar(63) NOT NULL,
        slot_name        text,
        config_file      text NOT NULL)",
    "CREATE TABLE IF NOT EXISTS repmgr.events (
        node_id          integer NOT NULL,
        event            text NOT NULL,
        successful       boolean NOT NULL DEFAULT true,
        event_timestamp  timestamptz NOT NULL DEFAULT current_timestamp,
        details          text)",
    "CREATE TABLE IF NOT EXISTS repmgr.monitoring_history (
        primary_node_id           integer NOT NULL,
        standby_node_id           integer NOT NULL,
        last_monitor_time         timestamptz NOT NULL,
        last_apply_time           timestamptz,
        last_wal_primary_location pg_lsn NOT NULL,
        last_wal_standby_location pg_lsn,
        replication_lag           bigint NOT NULL,
        apply_lag                 bigint NOT NULL)",
    "CREATE INDEX IF NOT EXISTS idx_monitoring_history_time
        ON repmgr.monitoring_history (last_monitor_time, standby_node_id)",
    "CREATE TABLE IF NOT EXISTS repmgr.voting_term (term integer NOT NULL)",
    "CREATE UNIQUE INDEX IF NOT EXISTS voting_term_restrict ON repmgr.voting_term ((true))",
    "CREATE OR REPLACE RULE voting_term_delete AS ON DELETE TO repmgr.voting_term DO INSTEAD NOTHING",
    "CREATE OR REPLACE VIEW repmgr.show_nodes AS
        SELECT n.node_id, n.node_name, n.active, n.upstream_node_id, u.node_name AS upstream_node_name,
               n.type, n.priority, n.conninfo
          FROM repmgr.nodes n LEFT JOIN repmgr.nodes u ON u.node_id = n.upstream_node_id",
    FUNCTIONS,
    "CREATE OR REPLACE VIEW repmgr.replication_status AS
        SELECT h.primary_node_id, h.standby_node_id, n.node_name AS standby_name, n.type AS node_type,
               n.active, h.last_monitor_time,
               CASE n.type WHEN 'standby' THEN h.last_wal_primary_location END AS last_wal_primary_location,
               h.last_wal_standby_location,
               CASE n.type WHEN 'standby' THEN pg_catalog.pg_size_pretty(h.replication_lag) END
                    AS replication_lag,
               CASE n.type WHEN 'standby' THEN CASE WHEN h.replication_lag > 0
                    THEN pg_catalog.age(pg_catalog.now(), h.last_apply_time)
                    ELSE '0'::pg_catalog.interval END END AS replication_time_lag,
               CASE n.type WHEN 'standby' THEN pg_catalog.pg_size_pretty(h.apply_lag) END AS apply_lag,
               pg_catalog.age(pg_catalog.now(), CASE WHEN pg_catalog.pg_is_in_recovery()
                    THEN repmgr.standby_get_last_updated() ELSE h.last_monitor_time END)
                    AS communication_time_lag
          FROM repmgr.nodes n
          JOIN LATERAL (SELECT m.* FROM repmgr.monitoring_history m WHERE m.standby_node_id = n.node_id
                         ORDER BY m.last_monitor_time DESC LIMIT 1) h ON true",
];

/// Functions that people call by hand. The extension answers them from shared memory; here those that
/// PostgreSQL itself can answer do, and the others say where the answer is now.
const FUNCTIONS: &str = "
    CREATE OR REPLACE FUNCTION repmgr.get_local_node_id() RETURNS integer LANGUAGE sql STABLE AS $f$
        SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN
            (SELECT n.node_id FROM repmgr.nodes n, pg_catalog.pg_stat_wal_receiver r
              WHERE n.node_name = pg_catalog.btrim(
                    pg_catalog.substring(r.conninfo, 'application_name=(''[^'']*''|[^ ]+)'), ''''))
            ELSE (SELECT n.node_id FROM repmgr.nodes n WHERE n.type = 'primary' AND n.active
                   ORDER BY n.node_id LIMIT 1) END $f$;
    CREATE OR REPLACE FUNCTION repmgr.get_upstream_node_id() RETURNS integer LANGUAGE sql STABLE AS $f$
        SELECT n.upstream_node_id FROM repmgr.nodes n WHERE n.node_id = repmgr.get_local_node_id() $f$;
    CREATE OR REPLACE FUNCTION repmgr.get_wal_receiver_pid() RETURNS integer LANGUAGE sql STABLE AS $f$
        SELECT r.pid FROM pg_catalog.pg_stat_wal_receiver r $f$;
    CREATE OR REPLACE FUNCTION repmgr.standby_get_last_updated() RETURNS timestamptz LANGUAGE sql STABLE AS $f$
        SELECT r.last_msg_receipt_time FROM pg_catalog.pg_stat_wal_receiver r $f$;
    CREATE OR REPLACE FUNCTION repmgr.get_upstream_last_seen() RETURNS integer LANGUAGE sql STABLE AS $f$
        SELECT coalesce((SELECT extract(epoch from pg_catalog.clock_timestamp() - r.last_msg_receipt_time)
            ::pg_catalog.int4 FROM pg_catalog.pg_stat_wal_receiver r), -1) $f$;
    CREATE OR REPLACE FUNCTION repmgr.held_by_the_daemon(what text) RETURNS void LANGUAGE plpgsql AS $f$
        BEGIN RAISE EXCEPTION '% is not kept in the database', what USING ERRCODE = 'feature_not_supported',
            DETAIL = 'No shared library is loaded: the daemons hold their state themselves.',
            HINT = 'Ask the program instead of the database, for example \"repmgr node check\".'; END $f$;
    CREATE OR REPLACE FUNCTION repmgr.repmgrd_is_running() RETURNS boolean LANGUAGE plpgsql AS $f$
        BEGIN PERFORM repmgr.held_by_the_daemon('the state of repmgrd'); RETURN NULL; END $f$;
    CREATE OR REPLACE FUNCTION repmgr.repmgrd_is_paused() RETURNS boolean LANGUAGE plpgsql AS $f$
        BEGIN PERFORM repmgr.held_by_the_daemon('the pause of repmgrd'); RETURN NULL; END $f$;
    CREATE OR REPLACE FUNCTION repmgr.get_repmgrd_pid() RETURNS integer LANGUAGE plpgsql AS $f$
        BEGIN PERFORM repmgr.held_by_the_daemon('the process id of repmgrd'); RETURN NULL; END $f$";

/// Our own schema, a step an entry: entry N brings version N-1 to version N in one transaction.
pub const OURS: [&str; NEWEST as usize] = [
    "CREATE TABLE hg_repmgr.version (
        version    integer PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT current_timestamp)",
    "CREATE TABLE hg_repmgr.node_address (
        node_id      integer PRIMARY KEY,
        virtual_ip   text,
        network_card text,
        http_address text)",
];
