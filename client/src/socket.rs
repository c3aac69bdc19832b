//! The connection itself, and the one answer of a node that `subxt` does not read.

use serde_json::Value;
use std::sync::Arc;
use subxt::rpcs::{
    client::{JsonrpseeRpcClient, RawRpcFuture, RawRpcSubscription, RawValue, RpcClientT},
    Error,
};

/// A connection that `subxt` and whoever asks for its health share.
#[derive(Clone)]
pub(crate) struct Socket(Arc<JsonrpseeRpcClient>);

impl Socket {
    pub(crate) fn new(client: JsonrpseeRpcClient) -> Self {
        Self(Arc::new(client))
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.0.is_connected()
    }
}

impl RpcClientT for Socket {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        let request = self.0.request_raw(method, params);
        if method != "chain_getBlock" {
            return request;
        }
        Box::pin(async move { with_hex_transactions(&request.await?) })
    }

    fn subscribe_raw<'a>(
        &'a self,
        sub: &'a str,
        params: Option<Box<RawValue>>,
        unsub: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        self.0.subscribe_raw(sub, params, unsub)
    }
}

/// Nodes of this SDK's release write the bytes of a block's transactions as lists of numbers;
/// `subxt` reads text in hex, as other releases write it.
fn with_hex_transactions(block: &RawValue) -> Result<Box<RawValue>, Error> {
    let mut value: Value = serde_json::from_str(block.get()).map_err(Error::Deserialization)?;
    let transactions = value
        .pointer_mut("/block/extrinsics")
        .and_then(Value::as_array_mut);
    for transaction in transactions.into_iter().flatten() {
        if transaction.is_array() {
            let bytes: Vec<u8> =
                serde_json::from_value(transaction.take()).map_err(Error::Deserialization)?;
            *transaction = Value::String(format!("0x{}", hex::encode(bytes)));
        }
    }
    serde_json::value::to_raw_value(&value).map_err(Error::Deserialization)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        with_hex_transactions(&raw).unwrap().get().to_owned()
    }

    #[test]
    fn transactions_in_numbers_become_hex() {
        let block = r#"{"block":{"extrinsics":[[40,5,2,255],[]],"header":{}}}"#;
        let expected = r#"{"block":{"extrinsics":["0x280502ff","0x"],"header":{}}}"#;
        assert_eq!(read(block), expected);
    }

    #[test]
    fn transactions_in_hex_and_missing_blocks_stay() {
        for text in [r#"{"block":{"extrinsics":["0x28"],"header":{}}}"#, "null"] {
            assert_eq!(read(text), text);
        }
    }

    #[test]
    fn a_number_that_is_no_byte_is_refused() {
        let raw = RawValue::from_string(r#"{"block":{"extrinsics":[[256]]}}"#.into()).unwrap();
        assert!(matches!(
            with_hex_transactions(&raw),
            Err(Error::Deserialization(_))
        ));
    }
}
