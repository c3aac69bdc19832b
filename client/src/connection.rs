//! One connection to one node.

use crate::{error::from_subxt, hex_hash, runtime, socket::Socket, ClientError, MizanConfig};
use mizan_tensor::Hash;
use std::sync::Arc;
use subxt::{
    backend::LegacyBackend,
    client::{Blocks, OnlineClientAtBlock},
    config::RpcConfigFor,
    rpcs::{
        client::jsonrpsee_client,
        methods::legacy::{LegacyRpcMethods, NumberOrHex},
        RpcClient,
    },
    utils::H256,
    OnlineClient,
};

/// The block at which something is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The newest block. It may still be given up.
    Best,
    /// The newest block that is final.
    Finalized,
    /// That block. A node keeps the state of the last 256 or so.
    Hash(Hash),
}

/// A client of the chain: typed reads, calls, and blocks as they come.
///
/// It does not reconnect by itself: after [`ClientError::Connection`] make a new one, so that
/// whoever follows blocks notices that some may have been missed. Clones share the connection.
#[derive(Clone)]
pub struct Client {
    pub(crate) url: Arc<str>,
    pub(crate) api: OnlineClient<MizanConfig>,
    pub(crate) rpc: LegacyRpcMethods<RpcConfigFor<MizanConfig>>,
    /// Held from reading an account's nonce until the pool has the transaction, so that calls sent
    /// at the same time get different ones.
    pub(crate) sending: Arc<tokio::sync::Mutex<()>>,
    pub(crate) socket: Socket,
    spec_version: u32,
}

impl Client {
    /// Connects to a node, and refuses one whose runtime this client was not generated for.
    pub async fn connect(url: &str) -> Result<Self, ClientError> {
        let unreachable = |reason: String| ClientError::Connection {
            url: url.into(),
            reason,
        };
        let socket = jsonrpsee_client(url)
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        let socket = Socket::new(socket);
        let rpc = RpcClient::new(socket.clone());
        // The node's classic methods: they read the state of any block that it still has, and
        // give the pool's reasons in full.
        let backend = LegacyBackend::builder().build(rpc.clone());
        let api = OnlineClient::from_backend_with_config(MizanConfig::new(), Arc::new(backend))
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        let rpc = LegacyRpcMethods::new(rpc);
        let sending = Arc::default();
        let mut client = Self {
            url: url.into(),
            api,
            rpc,
            sending,
            socket,
            spec_version: 0,
        };
        let block = client.at(At::Finalized).await?;
        client.spec_version = block.spec_version();
        if !runtime::is_codegen_valid_for(block.metadata_ref()) {
            let spec_version = client.spec_version;
            return Err(ClientError::Incompatible {
                url: url.into(),
                spec_version,
            });
        }
        Ok(client)
    }

    /// Hash of the chain's first block: its name among chains.
    pub fn genesis_hash(&self) -> Hash {
        self.api.genesis_hash().0
    }

    /// Version of the node's runtime.
    pub fn spec_version(&self) -> u32 {
        self.spec_version
    }

    /// Address of the node.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The untyped client underneath.
    pub fn api(&self) -> &OnlineClient<MizanConfig> {
        &self.api
    }

    /// Whether the connection is still there.
    pub fn is_connected(&self) -> bool {
        self.socket.is_connected()
    }

    /// The chain's state at a block, for reads that this crate does not wrap.
    pub async fn at(&self, at: At) -> Result<OnlineClientAtBlock<MizanConfig>, ClientError> {
        let hash = match at {
            At::Best => self.best().await?.1,
            At::Finalized => self.finalized().await?.1,
            At::Hash(hash) => hash,
        };
        self.api
            .at_block(H256(hash))
            .await
            .map_err(|error| match error {
                subxt::error::OnlineClientAtBlockError::BlockHeaderNotFound { .. } => {
                    ClientError::BlockUnknown(hex_hash(&hash))
                }
                error => self.explain(error),
            })
    }

    /// Number and hash of the newest block.
    pub async fn best(&self) -> Result<(u32, Hash), ClientError> {
        let hash = self.rpc.chain_get_block_hash(None).await;
        let hash = hash.map_err(|error| self.explain(error))?;
        self.with_number(hash.ok_or_else(|| ClientError::BlockUnknown("best".into()))?)
            .await
    }

    /// Number and hash of the newest final block.
    pub async fn finalized(&self) -> Result<(u32, Hash), ClientError> {
        let hash = self.rpc.chain_get_finalized_head().await;
        self.with_number(hash.map_err(|error| self.explain(error))?)
            .await
    }

    async fn with_number(&self, hash: H256) -> Result<(u32, Hash), ClientError> {
        let header = self.rpc.chain_get_header(Some(hash)).await;
        let header = header.map_err(|error| self.explain(error))?;
        let header = header.ok_or_else(|| ClientError::BlockUnknown(hex_hash(&hash.0)))?;
        Ok((header.number as u32, hash.0))
    }

    /// Number of the newest block.
    pub async fn best_number(&self) -> Result<u32, ClientError> {
        Ok(self.best().await?.0)
    }

    /// Number of the newest final block.
    pub async fn finalized_number(&self) -> Result<u32, ClientError> {
        Ok(self.finalized().await?.0)
    }

    /// Hash of the block of that height on the best chain; `None` above it. Final if the height
    /// is no more than that of [`finalized`](Self::finalized).
    pub async fn block_hash(&self, number: u32) -> Result<Option<Hash>, ClientError> {
        let hash = self
            .rpc
            .chain_get_block_hash(Some(NumberOrHex::Number(number.into())))
            .await;
        Ok(hash
            .map_err(|error| self.explain(error))?
            .map(|hash| hash.0))
    }

    /// Final blocks from now on, without gaps.
    pub async fn finalized_blocks(&self) -> Result<BlockStream, ClientError> {
        let blocks = self
            .api
            .stream_blocks()
            .await
            .map_err(|error| self.explain(error))?;
        Ok(BlockStream {
            client: self.clone(),
            blocks,
        })
    }

    /// The newest block from now on, whenever there is another. Some may be given up later.
    pub async fn best_blocks(&self) -> Result<BlockStream, ClientError> {
        let blocks = self
            .api
            .stream_best_blocks()
            .await
            .map_err(|error| self.explain(error))?;
        Ok(BlockStream {
            client: self.clone(),
            blocks,
        })
    }

    /// The error that a caller can act on: without a connection, that is the error.
    pub(crate) fn explain(&self, error: impl Into<subxt::Error>) -> ClientError {
        let error = error.into();
        if self.is_connected() {
            from_subxt(error)
        } else {
            self.lost(error.to_string())
        }
    }

    fn lost(&self, reason: String) -> ClientError {
        ClientError::Connection {
            url: self.url.to_string(),
            reason,
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Blocks as they come.
pub struct BlockStream {
    client: Client,
    blocks: Blocks<MizanConfig>,
}

impl BlockStream {
    /// Number and hash of the next block. The stream ends only with an error: then the connection
    /// is lost and a new client is needed.
    pub async fn next(&mut self) -> Result<(u32, Hash), ClientError> {
        match self.blocks.next().await {
            Some(Ok(block)) => Ok((block.number() as u32, block.hash().0)),
            Some(Err(error)) => Err(self.client.explain(error)),
            None => Err(self.client.lost("the node sends no more blocks".into())),
        }
    }
}
