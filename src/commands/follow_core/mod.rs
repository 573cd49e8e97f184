//! What following another server takes, for the commands that need it: `standby follow`, `node rejoin`,
//! `standby switchover`.

pub mod attach;
pub mod footing;
pub mod target;
