//! What the node answers over JSON-RPC beyond the SDK's own methods (chain, state, author, system
//! and the `*_v1` methods of the new specification).

mod answers;
mod market;

use crate::service::{FullBackend, FullClient, SelectChain, TransactionPool};
use jsonrpsee::RpcModule;
use market::{Market, MarketRpcServer};
use mizan_runtime::{opaque::Block, BlockNumber, Hash};
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use polkadot_sdk::*;
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_babe_rpc::{Babe, BabeApiServer};
use sc_consensus_grandpa::{
    FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_rpc::SubscriptionTaskExecutor;
use sp_keystore::KeystorePtr;
use std::sync::Arc;
use substrate_frame_rpc_system::{System, SystemApiServer};

/// The parts of the node that the methods ask.
pub(crate) struct Parts {
    pub(crate) client: Arc<FullClient>,
    pub(crate) pool: Arc<TransactionPool>,
    pub(crate) select_chain: SelectChain,
    pub(crate) keystore: KeystorePtr,
    pub(crate) babe_worker: BabeWorkerHandle<Block>,
    pub(crate) voter_state: SharedVoterState,
    pub(crate) authority_set: SharedAuthoritySet<Hash, BlockNumber>,
    pub(crate) justifications: GrandpaJustificationStream<Block>,
    pub(crate) finality_proofs: Arc<FinalityProofProvider<FullBackend, Block>>,
}

impl Parts {
    /// The methods, ready for a server.
    pub(crate) fn module(
        &self,
        executor: SubscriptionTaskExecutor,
    ) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
        let mut module = RpcModule::new(());
        module.merge(System::new(self.client.clone(), self.pool.clone()).into_rpc())?;
        module.merge(TransactionPayment::new(self.client.clone()).into_rpc())?;
        module.merge(
            Babe::new(
                self.client.clone(),
                self.babe_worker.clone(),
                self.keystore.clone(),
                self.select_chain.clone(),
            )
            .into_rpc(),
        )?;
        module.merge(Market::new(self.client.clone(), executor.clone()).into_rpc())?;
        module.merge(
            Grandpa::new(
                executor,
                self.authority_set.clone(),
                self.voter_state.clone(),
                self.justifications.clone(),
                self.finality_proofs.clone(),
            )
            .into_rpc(),
        )?;
        Ok(module)
    }
}
