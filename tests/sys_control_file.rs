//! Control files that servers of PostgreSQL 10 to 18 wrote, beside what the servers said of themselves.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may panic")]

use hg_repmgr::domain::lsn::Timeline;
use hg_repmgr::pg::control_file::{ClusterState, Unreadable, parse};

/// major, format, catalog, system identifier, checkpoint and redo, checkpoint's time, time of the file.
type Row = (u32, u32, u32, u64, &'static str, i64, i64);

/// pg_control_system(), pg_control_checkpoint() and pg_control_init() of a server of each version.
const SERVERS: [Row; 9] = [
    (10, 1002, 201_707_211, 7_710_449_291_788_280_307, "0/1838F20", 1_795_228_872, 1_795_228_937),
    (11, 1100, 201_809_051, 7_710_449_295_298_560_595, "0/1868B28", 1_795_228_873, 1_795_228_937),
    (12, 1201, 201_909_212, 7_710_449_300_461_036_312, "0/1867A80", 1_795_228_874, 1_795_228_938),
    (13, 1300, 202_007_201, 7_710_449_304_080_450_461, "0/1813E48", 1_795_228_874, 1_795_228_938),
    (14, 1300, 202_107_181, 7_710_449_307_068_834_732, "0/1943190", 1_795_228_875, 1_795_228_938),
    (15, 1300, 202_209_061, 7_710_449_456_782_842_871, "0/17529B0", 1_795_228_910, 1_795_228_910),
    (16, 1300, 202_307_071, 7_710_449_310_251_746_235, "0/1720FA0", 1_795_228_876, 1_795_228_938),
    (17, 1700, 202_406_281, 7_710_449_313_322_152_983, "0/17218A0", 1_795_228_877, 1_795_228_939),
    (18, 1800, 202_506_291, 7_710_449_316_548_236_367, "0/174B250", 1_795_228_877, 1_795_228_939),
];

fn fixture(major: u32) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/pg_control/{major}.bin", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("fixture")
}

#[test]
fn every_version_is_read_as_its_server_tells_it() {
    for (major, format, catalog, identifier, checkpoint, time, modified) in SERVERS {
        let got = parse(&fixture(major)).unwrap_or_else(|why| panic!("{major}: {why}"));
        assert_eq!((got.control_version, got.catalog_version), (format, catalog), "{major}");
        assert_eq!(got.system_identifier, identifier, "{major}");
        assert_eq!(
            (got.checkpoint.to_string(), got.redo.to_string()),
            (checkpoint.into(), checkpoint.into()),
            "{major}"
        );
        assert_eq!((got.checkpoint_time, got.modified), (time, modified), "{major}");
        assert_eq!((got.timeline, got.previous_timeline), (Timeline(1), Timeline(1)), "{major}");
        assert_eq!(got.state, ClusterState::InProduction, "{major}");
        assert_eq!((got.min_recovery, got.backup_start), (None, None), "{major}");
        assert!(got.majors().contains(&major), "{major}");
        // These were set in postgresql.conf, each to a number of its own.
        assert_eq!((got.max_connections, got.max_worker_processes), (111, 12), "{major}");
        assert_eq!(got.max_wal_senders, (major >= 12).then_some(13), "{major}");
        assert_eq!((got.max_prepared_transactions, got.max_locks_per_transaction), (14, 65), "{major}");
        assert_eq!(
            (got.wal_level, got.wal_log_hints, got.track_commit_timestamp),
            (2, true, true),
            "{major}"
        );
        assert_eq!((got.data_checksum_version, got.wal_segment_size), (1, 16 << 20), "{major}");
    }
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    for (major, ..) in SERVERS {
        let good = fixture(major);
        let end = good.iter().rposition(|b| *b != 0).expect("contents");
        for at in 0..=end {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            let got = parse(&bad);
            let told =
                matches!(got, Err(Unreadable::Checksum | Unreadable::Version(_) | Unreadable::ByteOrder));
            // The compiler's padding is covered by the checksum as well.
            assert!(told, "{major}, byte {at}: {got:?}");
        }
    }
}

#[test]
fn no_length_of_a_cut_off_file_is_taken_for_whole() {
    for (major, ..) in SERVERS {
        let good = fixture(major);
        for len in 0..280 {
            assert_eq!(parse(&good[..len]), Err(Unreadable::Short), "{major}, {len} bytes");
        }
    }
}
