//! Transactions: sent, followed until they are final, reported.

use crate::failure::Failure;
use crate::output::Output;
use mizan_client::subxt::transactions::Payload;
use mizan_client::{hex_hash, Client, Included, Keypair};
use serde_json::{json, Value};

/// Signs and sends a call, and waits until it is in a final block without having failed.
pub(crate) async fn send<C: Payload>(
    client: &Client,
    call: &C,
    key: &Keypair,
    output: &mut Output<'_>,
) -> Result<Included, Failure> {
    output.progress("sending, and waiting until this is final");
    Ok(client.submit_finalized(call, key).await?)
}

/// What a command did, with the block and the hash of its transaction.
pub(crate) fn object(included: &Included, what: Value) -> Value {
    let transaction = hex_hash(&included.extrinsic_hash);
    with_block(included.block_number, &transaction, what)
}

fn with_block(block: u32, transaction: &str, mut what: Value) -> Value {
    what["block"] = json!(block);
    what["transaction"] = json!(transaction);
    what
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_says_in_which_block_and_by_which_transaction() {
        let object = with_block(7, "0x12", json!({ "job": 3 }));
        assert_eq!(
            object,
            json!({ "job": 3, "block": 7, "transaction": "0x12" })
        );
    }
}
