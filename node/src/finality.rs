//! GRANDPA: voting on which block is final.

use crate::service::{FullBackend, FullClient, SelectChain, TransactionPool};
use mizan_runtime::{opaque::Block, Hash};
use polkadot_sdk::*;
use sc_client_api::HeaderBackend;
use sc_consensus_grandpa::{GrandpaParams, SharedVoterState, VotingRulesBuilder};
use sc_network::{
    config::FullNetworkConfiguration,
    service::{traits::NetworkService, NotificationMetrics},
    types::ProtocolName,
    NetworkBackend, NotificationService,
};
use sc_network_sync::SyncingService;
use sc_service::{error::Error as ServiceError, Configuration, KeystoreContainer, TaskManager};
use sc_telemetry::TelemetryHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use std::{sync::Arc, time::Duration};
use substrate_prometheus_endpoint::Registry;

/// Stores a proof of finality with at least every 32nd block, so that a light client never has to
/// go far from the block it asks about.
pub(crate) const JUSTIFICATION_PERIOD: u32 = 32;

/// How long a vote may take through the network.
const GOSSIP_DURATION: Duration = Duration::from_millis(333);

/// Imports blocks and follows changes of the voters' set.
pub(crate) type GrandpaBlockImport =
    sc_consensus_grandpa::GrandpaBlockImport<FullBackend, Block, FullClient, SelectChain>;
/// Joins the import of blocks with the voter.
pub(crate) type GrandpaLink = sc_consensus_grandpa::LinkHalf<Block, FullClient, SelectChain>;

/// The network protocol over which votes travel.
pub(crate) struct GrandpaProtocol {
    name: ProtocolName,
    notifications: Box<dyn NotificationService>,
}

/// Adds the votes' protocol to the network's configuration.
pub(crate) fn protocol<N: NetworkBackend<Block, Hash>>(
    config: &Configuration,
    client: &FullClient,
    metrics: &NotificationMetrics,
    net_config: &mut FullNetworkConfiguration<Block, Hash, N>,
) -> GrandpaProtocol {
    let name = sc_consensus_grandpa::protocol_standard_name(
        &client.info().genesis_hash,
        &config.chain_spec,
    );
    let (protocol, notifications) = sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
        name.clone(),
        metrics.clone(),
        net_config.peer_store_handle(),
    );
    net_config.add_notification_protocol(protocol);
    GrandpaProtocol {
        name,
        notifications,
    }
}

/// What the voter needs, taken from the configuration before it is used up.
pub(crate) struct Voter {
    config: sc_consensus_grandpa::Config,
    notifications: Box<dyn NotificationService>,
    state: SharedVoterState,
    metrics: Option<Registry>,
}

impl Voter {
    /// `None` if the command line turns GRANDPA off. A node that is no validator gets no keystore:
    /// it follows the votes and casts none.
    pub(crate) fn new(
        config: &Configuration,
        keystore: &KeystoreContainer,
        protocol: GrandpaProtocol,
        state: SharedVoterState,
    ) -> Option<Self> {
        (!config.disable_grandpa).then(|| Self {
            config: sc_consensus_grandpa::Config {
                gossip_duration: GOSSIP_DURATION,
                justification_generation_period: JUSTIFICATION_PERIOD,
                observer_enabled: false,
                local_role: config.role,
                name: Some(config.network.node_name.clone()),
                keystore: config.role.is_authority().then(|| keystore.keystore()),
                telemetry: None,
                protocol_name: protocol.name,
            },
            notifications: protocol.notifications,
            state,
            metrics: config.prometheus_registry().cloned(),
        })
    }

    /// Follows the votes, and casts them where the node is a validator.
    pub(crate) fn start(
        mut self,
        task_manager: &TaskManager,
        link: GrandpaLink,
        network: Arc<dyn NetworkService>,
        sync_service: Arc<SyncingService<Block>>,
        transaction_pool: Arc<TransactionPool>,
        telemetry: Option<TelemetryHandle>,
    ) -> Result<(), ServiceError> {
        self.config.telemetry = telemetry.clone();
        let voter = sc_consensus_grandpa::run_grandpa_voter(GrandpaParams {
            config: self.config,
            link,
            network,
            sync: Arc::new(sync_service),
            notification_service: self.notifications,
            voting_rule: VotingRulesBuilder::default().build(),
            prometheus_registry: self.metrics,
            shared_voter_state: self.state,
            telemetry,
            offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(transaction_pool),
        })?;
        task_manager
            .spawn_essential_handle()
            .spawn_blocking("grandpa-voter", None, voter);
        Ok(())
    }
}
