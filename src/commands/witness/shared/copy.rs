//! The node records from the primary to a witness. Also what the daemon does again and again.

use crate::commands::registration::failed;
use crate::error::Result;
use crate::pg::metadata;
use crate::pg::session::Session;

/// What a copy came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The witness had these records already.
    Same,
    /// It has them now.
    Renewed,
}

/// Makes the node records of `witness` those of `primary`, in one transaction of the witness. Records that
/// `primary` has written in a transaction of its own are among them.
///
/// # Errors
/// [`crate::exit::Exit::DbQuery`], which says on which of the two; the witness keeps what it had.
pub fn copy_nodes(primary: &mut Session, witness: &mut Session) -> Result<Copied> {
    let copy = metadata::read_copy(primary)
        .map_err(|e| failed(e, "unable to read the node records of the primary"))?;
    let renewed = metadata::replace_nodes(witness, &copy)
        .map_err(|e| failed(e, "unable to copy the node records to the witness"))?;
    Ok(if renewed { Copied::Renewed } else { Copied::Same })
}
