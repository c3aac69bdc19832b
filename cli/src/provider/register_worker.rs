//! `mizan provider register-worker`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::sending;
use clap::Args;
use mizan_client::calls::{self, Consent};
use mizan_client::keys::{self, load_key_file};
use mizan_client::{account_of, units, AccountId, Client, Keypair};
use serde_json::json;
use std::path::PathBuf;

/// Register a worker's key.
///
/// A key other than your own must consent: give its file, or the
/// address and the consent that `mizan keys consent` prints on the worker's machine, so that no
/// key has to travel. Without either your own key works. Returns once this is final.
#[derive(Debug, Args)]
pub(crate) struct RegisterWorker {
    /// Least price per compute unit at which it works
    #[arg(long, value_name = "MZN_PER_CU", value_parser = units::parse_amount)]
    ask: u128,
    /// Jobs that it can do at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    slots: u32,
    /// File of the worker's key, if it is on this machine
    #[arg(long, value_name = "FILE", conflicts_with_all = ["worker", "consent"])]
    worker_key_file: Option<PathBuf>,
    /// Address of the worker's key
    #[arg(long, value_name = "ADDRESS", value_parser = keys::parse_address, requires = "consent")]
    worker: Option<AccountId>,
    /// The worker key's consent
    #[arg(long, value_name = "HEX", value_parser = parse_consent, requires = "worker")]
    consent: Option<Signature>,
}

/// An sr25519 signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Signature([u8; 64]);

fn parse_consent(text: &str) -> Result<Signature, String> {
    let digits = text.trim();
    let mut signature = [0; 64];
    hex::decode_to_slice(digits.strip_prefix("0x").unwrap_or(digits), &mut signature)
        .map_err(|_| "a consent is 0x and 128 hexadecimal digits".to_owned())?;
    Ok(Signature(signature))
}

/// A consent as `mizan keys consent` prints it.
pub(crate) fn format_consent(consent: &Consent) -> Option<String> {
    match consent {
        Consent::Sr25519(signature) => Some(format!("0x{}", hex::encode(signature))),
        _ => None,
    }
}

impl RegisterWorker {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        let client = context.client().await?;
        let (worker, consent) = self.worker(&key, &client)?;
        let call = calls::register_worker(worker, self.ask, self.slots, consent);
        let included = sending::send(&client, &call, &key, output).await?;
        let (address, provider) = (
            keys::format_address(&worker),
            keys::format_address(&account_of(&key)),
        );
        let what = json!({
            "worker": address,
            "provider": provider,
            "ask": self.ask.to_string(),
            "slots": self.slots,
        });
        let object = sending::object(&included, what);
        output.result(&format!("{address} is a worker of {provider}"), &object)
    }

    /// Who is to work, and its consent where it is not the provider itself.
    fn worker(
        &self,
        provider: &Keypair,
        client: &Client,
    ) -> Result<(AccountId, Option<Consent>), Failure> {
        let own = account_of(provider);
        if let (Some(worker), Some(Signature(consent))) = (self.worker, self.consent) {
            return Ok((worker, Some(Consent::Sr25519(consent))));
        }
        let Some(path) = &self.worker_key_file else {
            return Ok((own, None));
        };
        let worker = load_key_file(path)?;
        let consent = calls::consent(&worker, &own, &client.genesis_hash());
        Ok((account_of(&worker), Some(consent)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_consent_is_read_back() {
        let consent = Consent::Sr25519([7; 64]);
        let text = format_consent(&consent).unwrap();
        assert_eq!(parse_consent(&text), Ok(Signature([7; 64])));
        let refused = parse_consent("0x07").unwrap_err();
        assert!(refused.contains("128 hexadecimal digits"), "{refused}");
        assert_eq!(format_consent(&Consent::Ed25519([7; 64])), None);
    }
}
