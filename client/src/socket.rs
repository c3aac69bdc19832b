//! The connection itself.

use std::sync::Arc;
use subxt::rpcs::client::{
    JsonrpseeRpcClient, RawRpcFuture, RawRpcSubscription, RawValue, RpcClientT,
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
        self.0.request_raw(method, params)
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
