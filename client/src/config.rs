//! What the chain is made of, for `subxt`.

use subxt::metadata::ArcMetadata;
use subxt::{
    config::{
        substrate::{SubstrateConfig, SubstrateHeader},
        Config, DefaultTransactionExtensions, HashFor,
    },
    utils::{AccountId32, MultiAddress, MultiSignature},
};

/// The Mizan chain.
///
/// Its transactions pass `CheckSpecVersion`, `CheckTxVersion`, `CheckGenesis`, `CheckMortality`,
/// `CheckNonce`, `ChargeTransactionPayment` (within `SkipCheckIfFeeless`, which goes by the same
/// name and format) and `CheckMetadataHash`. The others (`AuthorizeCall`, `CheckNonZeroSender`,
/// `CheckWeight`, `WeightReclaim`) add no bytes.
#[derive(Clone, Debug)]
pub struct MizanConfig(SubstrateConfig);

impl MizanConfig {
    /// The chain that a node says it runs.
    pub fn new() -> Self {
        Self(SubstrateConfig::new())
    }
}

impl Default for MizanConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl Config for MizanConfig {
    type AccountId = AccountId32;
    type Address = MultiAddress<AccountId32, ()>;
    type Signature = MultiSignature;
    type Hasher = <SubstrateConfig as Config>::Hasher;
    type Header = SubstrateHeader<HashFor<Self>>;
    type TransactionExtensions = DefaultTransactionExtensions<Self>;
    type AssetId = u32;

    fn genesis_hash(&self) -> Option<HashFor<Self>> {
        self.0.genesis_hash()
    }

    fn metadata_for_spec_version(&self, spec_version: u32) -> Option<ArcMetadata> {
        self.0.metadata_for_spec_version(spec_version)
    }

    fn set_metadata_for_spec_version(&self, spec_version: u32, metadata: ArcMetadata) {
        self.0.set_metadata_for_spec_version(spec_version, metadata);
    }
}
