//! A typed client of the Mizan chain, keys, and the store of blobs that jobs refer to.
//!
//! # Overview
//! | part | what it gives |
//! | --- | --- |
//! | [`Client`] | one connection to one node: reads at a chosen block, calls, blocks as they come |
//! | [`calls`] | every call of the Mizan pallets, ready to be submitted |
//! | [`disputes`] | fraud proofs, demands and answers |
//! | [`audits`] | auditors, their verdicts and receipts, and ordered audits |
//! | [`explanations`] | why a job or an account is where it is |
//! | [`views`] | what reads give: plain structs, which also serialise |
//! | [`keys`] | secret keys and addresses |
//! | [`blobs`] | bytes named by their BLAKE3 hash |
//! | [`model_bundle`] | a model as a folder of files |
//! | [`units`] | amounts as people write them |
//! | [`runtime`] | what is generated from the pinned metadata, for all else |
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use mizan_client::{calls, keys, units, At, Client};
//!
//! let client = Client::connect("ws://127.0.0.1:9944").await?;
//! let key = keys::parse_key("//Alice")?;
//! let bond = units::parse_amount("1000 MZN")?;
//! let included = client.submit(&calls::register_provider(bond), &key).await?;
//! println!("in block {}", included.block_number);
//! let provider = client.provider(&keys::account_of(&key), At::Best).await?;
//! # Ok(()) }
//! ```
//!
//! # Goals
//! - A refusal by the runtime carries the error's own sentence.
//! - A node that runs another runtime than this client was generated for is refused at once.
//! - A lost connection is an error, never a silent gap.
//!
//! # Non-goals
//! Reconnecting, keeping history, checking the node's honesty.
//!
//! # Assumptions
//! The node is trusted: run your own.
#![forbid(unsafe_code)]

pub mod audits;
pub mod calls;
mod config;

mod connection;
mod conversions;
pub mod disputes;
mod error;
pub mod explanations;
mod json;
pub mod keys;
pub mod model_bundle;
mod reads;
pub mod runtime;
mod socket;
mod submission;
pub mod units;
pub mod views;

pub use config::MizanConfig;
pub use connection::{At, BlockStream, Client};
pub use error::ClientError;
pub use keys::{account_of, AccountId, Keypair};
pub use mizan_blobs as blobs;
pub use mizan_tensor::Hash;
pub use submission::Included;
pub use subxt;

/// A hash as text: `0x` and 64 digits.
pub fn hex_hash(hash: &Hash) -> String {
    format!("0x{}", hex::encode(hash))
}

/// Reads a hash as [`hex_hash`] writes it; `0x` may be missing.
pub fn parse_hash(text: &str) -> Option<Hash> {
    let digits = text.trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let mut hash = [0; 32];
    hex::decode_to_slice(digits, &mut hash).ok().map(|()| hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_hash_is_read_back() {
        let hash = mizan_tensor::hash_bytes(b"hello");
        assert_eq!(parse_hash(&hex_hash(&hash)), Some(hash));
        assert_eq!(parse_hash(&hex::encode(hash)), Some(hash));
        for text in ["", "0x", "0x12", "zz"] {
            assert_eq!(parse_hash(text), None);
        }
    }
}
