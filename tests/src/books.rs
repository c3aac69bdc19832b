//! Events and money of a range of blocks.

use anyhow::{Context, Result};
use mizan_client::subxt::events::DecodeAsEvent;
use mizan_client::{runtime, AccountId, At, Client};
use std::ops::RangeInclusive;

/// All events of one kind in the blocks of a range, oldest first.
pub async fn events<E: DecodeAsEvent>(
    client: &Client,
    blocks: RangeInclusive<u32>,
) -> Result<Vec<E>> {
    let mut found = Vec::new();
    for number in blocks {
        let hash = client.block_hash(number).await?;
        let hash = hash.with_context(|| format!("there is no block {number} yet"))?;
        let events = client.at(At::Hash(hash)).await?.events().fetch().await?;
        for event in events.find::<E>() {
            found.push(event?);
        }
    }
    Ok(found)
}

/// The fees that an account paid in the blocks of a range.
pub async fn fees_of(
    client: &Client,
    account: &AccountId,
    blocks: RangeInclusive<u32>,
) -> Result<u128> {
    use runtime::transaction_payment::events::TransactionFeePaid;
    let paid = events::<TransactionFeePaid>(client, blocks).await?;
    Ok(paid
        .iter()
        .filter(|fee| fee.who == *account)
        .map(|fee| fee.actual_fee)
        .sum())
}

/// The books of the whole token supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supply {
    /// All tokens that there are.
    pub issuance: u128,
    /// What genesis gave out.
    pub genesis: u128,
    /// All that was ever minted.
    pub minted: u128,
    /// All that was ever burned.
    pub burned: u128,
}

impl Supply {
    /// The books at a block.
    pub async fn at(client: &Client, at: At) -> Result<Self> {
        let block = client.at(at).await?;
        let storage = block.storage();
        let rewards = runtime::storage().rewards();
        let balances = runtime::storage().balances();
        Ok(Self {
            issuance: storage
                .fetch(balances.total_issuance(), ())
                .await?
                .decode()?,
            genesis: storage
                .fetch(rewards.genesis_issuance(), ())
                .await?
                .decode()?,
            minted: storage.fetch(rewards.minted(), ()).await?.decode()?,
            burned: storage.fetch(rewards.burned(), ()).await?.decode()?,
        })
    }

    /// Whether the tokens that there are, are those that the books say.
    pub fn balances(&self) -> bool {
        self.genesis
            .checked_add(self.minted)
            .and_then(|sum| sum.checked_sub(self.burned))
            == Some(self.issuance)
    }
}
