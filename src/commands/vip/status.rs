//! `repmgr vip status`

use super::configured;
use crate::cli::args::VipStatus;
use crate::cli::choices::Output;
use crate::cli::table::{self, Colour, Table};
use crate::commands::context::Context;
use crate::domain::vip::Presence;
use crate::error::Result;
use crate::exit::Exit;
use crate::report;
use crate::sys::netlink::Link;
use crate::sys::vip::{AddressState, CardState, Way};
use serde_json::{Value, json};

/// Shows where each address is, its card, and by which privilege it would be changed and announced.
///
/// # Errors
/// [`Exit::BadConfig`]: none is configured; [`Exit::System`]: the kernel does not tell. The exit code is
/// [`Exit::NodeStatus`] when something is wrong with an address, whether it is up or not.
pub fn run(ctx: &Context, args: &VipStatus) -> Result<Exit> {
    let states = configured(ctx)?.status()?;
    match args.output {
        Output::Json => table::print(&table::json(&states.iter().map(as_json).collect::<Value>()))?,
        Output::Csv | Output::Text => table::print(&as_table(&states).text_with_blank(Colour::of_stdout()))?,
    }
    let mut exit = Exit::Success;
    for (state, wrong) in states.iter().flat_map(|s| wrong(s).into_iter().map(move |w| (s, w))) {
        report::warning(format!("address {}: {wrong}", state.place));
        exit = Exit::NodeStatus;
    }
    Ok(exit)
}

const fn presence_word(state: &AddressState) -> &'static str {
    match state.presence {
        Presence::Absent => "down",
        Presence::Held => "up",
        Presence::OtherPrefix(_) => "other prefix",
        Presence::OtherCard(_) => "other card",
    }
}

const fn card_word(card: CardState) -> &'static str {
    match card {
        CardState::Missing => "missing",
        CardState::Is(Link::Down) => "down",
        CardState::Is(Link::NoCarrier) => "no carrier",
        CardState::Is(Link::Up) => "up",
    }
}

fn wrong(state: &AddressState) -> Vec<String> {
    let mut found = Vec::new();
    match &state.presence {
        Presence::Absent | Presence::Held => {}
        Presence::OtherPrefix(prefix) => found.push(format!("it is up with prefix length {prefix}")),
        Presence::OtherCard(card) => found.push(format!("it is up on network card \"{card}\"")),
    }
    match state.card {
        CardState::Missing if state.up != Way::Site => found.push("there is no such network card".to_owned()),
        CardState::Is(Link::Down) => found.push("the network card is switched off".to_owned()),
        CardState::Is(Link::NoCarrier) => found.push("the network card has no carrier".to_owned()),
        CardState::Missing | CardState::Is(Link::Up) => {}
    }
    if state.up == Way::Nothing || state.down == Way::Nothing {
        found.push("this user may not change addresses".to_owned());
    }
    if state.announce == Way::Nothing {
        found.push("this user may not announce it".to_owned());
    }
    found
}

fn as_table(states: &[AddressState]) -> Table {
    let headings = ["Address", "Card", "State", "Card state", "Changed by", "Announced by"];
    let mut table = Table::new(headings);
    for state in states {
        let changed = if state.up == state.down {
            state.up.to_string()
        } else {
            format!("{} / {}", state.up, state.down)
        };
        table.row([
            state.place.vip.to_string(),
            state.place.card.clone(),
            presence_word(state).to_owned(),
            card_word(state.card).to_owned(),
            changed,
            state.announce.to_string(),
        ]);
    }
    table
}

fn as_json(state: &AddressState) -> Value {
    let (prefix, elsewhere) = match &state.presence {
        Presence::Absent => (None, None),
        Presence::Held => (Some(state.place.vip.prefix), None),
        Presence::OtherPrefix(prefix) => (Some(*prefix), None),
        Presence::OtherCard(card) => (None, Some(card)),
    };
    json!({
        "address": state.place.vip.ip.to_string(),
        "prefix": state.place.vip.prefix,
        "card": state.place.card,
        "state": presence_word(state),
        "prefix_found": prefix,
        "card_found": elsewhere,
        "card_state": card_word(state.card),
        "up_by": state.up.to_string(),
        "down_by": state.down.to_string(),
        "announced_by": state.announce.to_string(),
        "wrong": wrong(state),
    })
}
