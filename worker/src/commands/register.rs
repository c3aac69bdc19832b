//! `mizan-worker register`.

use crate::arguments::Register;
use anyhow::{Context, Result};
use mizan_client::{account_of, units};
use mizan_worker::{
    keystore,
    node::Node,
    registration::{self, Change, Registration, RegistrationError},
    settings::Settings,
};
use serde_json::json;
use std::io::Write;

/// Registers the key and says what had to be done.
pub(crate) async fn register(
    register: &Register,
    settings: &Settings,
    out: &mut impl Write,
) -> Result<()> {
    let key = keystore::load(settings)?;
    let wanted = Registration {
        bond: register.bond,
        ask: settings.ask.ok_or(RegistrationError::NoAsk)?,
        slots: register.slots,
    };
    let node = Node::connect(&settings.url, settings.request).await?;
    let changes = registration::register(node.client(), &key, wanted).await?;
    let account = account_of(&key);
    if register.json {
        let changes: Vec<_> = changes.iter().map(|change| name(*change)).collect();
        let done = json!({
            "account": account.to_string(),
            "changes": changes,
            "ask": wanted.ask.to_string(),
            "slots": wanted.slots,
        });
        return Ok(writeln!(out, "{done}")?);
    }
    if changes.is_empty() {
        writeln!(out, "{account} is registered already")?;
    }
    for change in changes {
        let done = match change {
            Change::ProviderRegistered => "is a provider now",
            Change::BondRaised => "has the larger bond now",
            Change::WorkerRegistered => "is a worker now",
            Change::AskChanged => "has the new ask now",
        };
        writeln!(out, "{account} {done}")?;
    }
    writeln!(out, "its ask is {}", units::format_amount(wanted.ask)).context("standard output")
}

/// The word for it in JSON.
fn name(change: Change) -> &'static str {
    match change {
        Change::ProviderRegistered => "provider_registered",
        Change::BondRaised => "bond_raised",
        Change::WorkerRegistered => "worker_registered",
        Change::AskChanged => "ask_changed",
    }
}
