//! The two programs beside each other; what needs no command of ours yet: the harness with the original.

use crate::cluster::{Lab, PgOptions, Postgres, Program};
use crate::compat::Pair;

#[test]
fn the_original_beside_itself_shows_no_difference() {
    let lab = Lab::with(2, &Postgres::installed(), &Program::original());
    let primary = lab.host(1).init_primary(&PgOptions::default());
    let standby = lab.host(2).join(primary);
    for host in [primary, standby] {
        host.write_conf("");
    }
    primary.repmgr(&["primary", "register"]).ok();
    // The original looks for the metadata on the standby itself.
    standby.catch_up(primary);
    standby.repmgr(&["standby", "register", "--upstream-node-id=1"]).ok();
    let pair = Pair::run(primary, &["cluster", "show"]);
    pair.same_code().same_stdout();
    assert_eq!(pair.ours.code, 0);
    pair.ours.says("| standby |   running | node1");
    Pair::run(standby, &["cluster", "event"]).same_code().same_stdout();
}
