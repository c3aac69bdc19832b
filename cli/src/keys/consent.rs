//! `mizan keys consent`.

use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::output::Output;
use crate::provider::register_worker::format_consent;
use clap::Args;
use mizan_client::keys::{format_address, parse_address};
use mizan_client::{account_of, calls, hex_hash, parse_hash, AccountId, Hash};
use serde_json::json;

/// Let your key work for a provider.
///
/// Prints the key's consent, which `mizan provider register-worker
/// --worker ADDRESS --consent HEX` takes on the provider's machine. It is good on one chain only,
/// and it is no secret.
#[derive(Debug, Args)]
pub(crate) struct Consent {
    /// Who is to own the worker
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    provider: AccountId,
    /// Hash of the chain's first block; the node is asked if it is not given
    #[arg(long, value_name = "HASH", value_parser = genesis)]
    genesis: Option<Hash>,
}

fn genesis(text: &str) -> Result<Hash, String> {
    parse_hash(text).ok_or_else(|| "a hash is 0x and 64 hexadecimal digits".into())
}

impl Consent {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        let genesis = match self.genesis {
            Some(genesis) => genesis,
            None => context.client().await?.genesis_hash(),
        };
        let consent = calls::consent(&key, &self.provider, &genesis);
        let consent = format_consent(&consent)
            .ok_or_else(|| Failure::new(Kind::Key, "only sr25519 keys can consent"))?;
        let object = json!({
            "worker": format_address(&account_of(&key)),
            "provider": format_address(&self.provider),
            "genesis": hex_hash(&genesis),
            "consent": consent,
        });
        output.result(&consent, &object)
    }
}
