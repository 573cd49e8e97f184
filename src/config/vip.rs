//! The virtual addresses of the configuration, put together.

use super::Settings;
use crate::domain::vip::{Commands, Wish, places};
use crate::error::{Error, Result};
use crate::exit::Exit;

impl Settings {
    /// What `virtual_ip`, `network_card` and the `vip_…_command`s say; no places when there is no address.
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: an address cannot be read, or has no card.
    pub fn virtual_addresses(&self) -> Result<Wish> {
        let places = places(&self.virtual_ip, &self.network_card).map_err(|why| {
            Error::new(Exit::BadConfig, "the virtual addresses of the configuration cannot be used")
                .detail(why)
                .hint(
                    "check \"virtual_ip\" and \"network_card\": one card for all addresses, or one for each",
                )
        })?;
        let commands = Commands {
            up: self.vip_up_command.clone(),
            down: self.vip_down_command.clone(),
            announce: self.vip_announce_command.clone(),
        };
        Ok(Wish { places, commands })
    }
}
