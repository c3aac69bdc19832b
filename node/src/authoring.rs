//! BABE: who may author the block of a slot, and authoring it.

use crate::{
    finality::GrandpaBlockImport,
    service::{FullClient, SelectChain, TransactionPool},
};
use mizan_runtime::opaque::Block;
use polkadot_sdk::*;
use sc_consensus_babe::{BabeLink, BabeParams, SlotProportion};
use sc_consensus_slots::BackoffAuthoringOnFinalizedHeadLagging;
use sc_network_sync::SyncingService;
use sc_service::{error::Error as ServiceError, Configuration, KeystoreContainer, TaskManager};
use sc_telemetry::TelemetryHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_babe::{inherents::InherentDataProvider as SlotProvider, SlotDuration};
use sp_inherents::CreateInherentDataProviders;
use sp_keystore::KeystorePtr;
use sp_timestamp::InherentDataProvider as TimestampProvider;
use std::sync::Arc;
use substrate_prometheus_endpoint::Registry;

/// Checks the claim to a slot, then hands the block to GRANDPA's import.
pub(crate) type BlockImport = sc_consensus_babe::BabeBlockImport<
    Block,
    FullClient,
    GrandpaBlockImport,
    SlotAndTime,
    SelectChain,
>;

/// What a block must say about the moment at which it was made.
pub(crate) type SlotAndTime = Arc<
    dyn CreateInherentDataProviders<
        Block,
        (),
        InherentDataProviders = (SlotProvider, TimestampProvider),
    >,
>;

/// The part of a slot in which a block is filled; the rest is for its journey.
const PROPOSAL_PORTION: f32 = 2.0 / 3.0;

/// Reads the slot and the time from the system's clock.
fn slot_and_time(slot_duration: SlotDuration) -> SlotAndTime {
    Arc::new(move |_parent, ()| async move {
        let timestamp = TimestampProvider::from_system_time();
        let slot = SlotProvider::from_timestamp_and_slot_duration(*timestamp, slot_duration);
        Ok((slot, timestamp))
    })
}

/// Puts BABE's checks before GRANDPA's import.
pub(crate) fn block_import(
    inner: GrandpaBlockImport,
    client: Arc<FullClient>,
    select_chain: SelectChain,
    transaction_pool: &Arc<TransactionPool>,
) -> Result<(BlockImport, BabeLink<Block>), ServiceError> {
    let babe_config = sc_consensus_babe::configuration(&*client)?;
    let slot_and_time = slot_and_time(babe_config.slot_duration());
    Ok(sc_consensus_babe::block_import(
        babe_config,
        inner,
        client,
        slot_and_time,
        select_chain,
        OffchainTransactionPoolFactory::new(transaction_pool.clone()),
    )?)
}

/// What a validator needs to author blocks, taken from the configuration before it is used up.
pub(crate) struct ProposerParts {
    force_authoring: bool,
    keystore: KeystorePtr,
    metrics: Option<Registry>,
}

impl ProposerParts {
    /// `None` unless the node runs as a validator.
    pub(crate) fn new(config: &Configuration, keystore: &KeystoreContainer) -> Option<Self> {
        config.role.is_authority().then(|| Self {
            force_authoring: config.force_authoring,
            keystore: keystore.keystore(),
            metrics: config.prometheus_registry().cloned(),
        })
    }

    /// Authors a block in each slot that one of the keystore's keys may claim.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn start(
        self,
        task_manager: &TaskManager,
        client: Arc<FullClient>,
        select_chain: SelectChain,
        transaction_pool: &Arc<TransactionPool>,
        sync_service: Arc<SyncingService<Block>>,
        block_import: BlockImport,
        babe_link: BabeLink<Block>,
        telemetry: Option<TelemetryHandle>,
    ) -> Result<(), ServiceError> {
        let proposer_factory = sc_basic_authorship::ProposerFactory::new(
            task_manager.spawn_handle(),
            client.clone(),
            transaction_pool.clone(),
            self.metrics.as_ref(),
            telemetry.clone(),
        );
        let babe = sc_consensus_babe::start_babe(BabeParams {
            keystore: self.keystore,
            client,
            select_chain,
            env: proposer_factory,
            block_import,
            sync_oracle: sync_service.clone(),
            justification_sync_link: sync_service,
            create_inherent_data_providers: slot_and_time(babe_link.config().slot_duration()),
            force_authoring: self.force_authoring,
            backoff_authoring_blocks: Some(BackoffAuthoringOnFinalizedHeadLagging::default()),
            babe_link,
            block_proposal_slot_portion: SlotProportion::new(PROPOSAL_PORTION),
            max_block_proposal_slot_portion: None,
            telemetry,
        })?;
        task_manager.spawn_essential_handle().spawn_blocking(
            "babe-proposer",
            Some("block-authoring"),
            babe,
        );
        Ok(())
    }
}
