//! The words for what a job or a worker waits for.

use super::{JobOutlook, WorkerOutlook};

impl<AccountId> JobOutlook<AccountId> {
    /// Its name, for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AboutToMatch { .. } => "about_to_match",
            Self::NoLiveWorker => "no_live_worker",
            Self::AsksAboveOffer { .. } => "asks_above_offer",
            Self::BondsTooSmall { .. } => "bonds_too_small",
            Self::AllExcluded => "all_excluded",
            Self::DirectedWorkerAway { .. } => "directed_worker_away",
            Self::WaitOver => "wait_over",
            Self::BeingComputed { .. } => "being_computed",
            Self::InChallenge { .. } => "in_challenge",
            Self::Paid => "paid",
            Self::Refunded => "refunded",
            Self::Convicted => "convicted",
            Self::Burned => "burned",
        }
    }

    /// What it means.
    pub fn meaning(&self) -> &'static str {
        match self {
            Self::AboutToMatch { .. } => "a worker fits and gets the job in one of the next blocks",
            Self::NoLiveWorker => "no worker is idle: all are busy, paused or silent",
            Self::AsksAboveOffer { .. } => "every idle worker asks for more than the job offers",
            Self::BondsTooSmall { .. } => {
                "no provider of an idle worker at this price has the free bond that the job locks"
            }
            Self::AllExcluded => "every idle worker that fits has declined it or timed out before",
            Self::DirectedWorkerAway { .. } => {
                "the one worker that may do it is busy, paused, silent or not registered"
            }
            Self::WaitOver => "its time to wait is over",
            Self::BeingComputed { .. } => "a worker has it",
            Self::InChallenge { .. } => "a result is claimed and its challenge period runs",
            Self::Paid => "it is paid and in the ledger",
            Self::Refunded => "it ended without a result, and its payment was given back",
            Self::Convicted => "its worker was convicted, and the payment was given back",
            Self::Burned => "its requester says that the result was not delivered",
        }
    }

    /// What whoever is concerned can do.
    pub fn what_to_do(&self) -> &'static str {
        match self {
            Self::AboutToMatch { .. } | Self::Paid => "nothing",
            Self::NoLiveWorker | Self::AllExcluded => {
                "wait, or cancel the job: it is refunded when its wait is over"
            }
            Self::AsksAboveOffer { .. } => {
                "cancel the job and post it with a price of at least the lowest ask"
            }
            Self::BondsTooSmall { .. } => {
                "wait for a provider with more bond, or cancel and post smaller batches"
            }
            Self::DirectedWorkerAway { .. } => {
                "ask its provider, or cancel the job and post it for any worker"
            }
            Self::WaitOver => "nothing: it is refunded in the next block that has room",
            Self::BeingComputed { .. } => "wait for the attestation",
            Self::InChallenge { .. } => {
                "requester: verify the result; worker: stay connected and answer demands"
            }
            Self::Convicted | Self::Burned | Self::Refunded => "see the last note of its history",
        }
    }
}

impl WorkerOutlook {
    /// Its name, for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle { .. } => "idle",
            Self::NeverHeard => "never_heard",
            Self::Silent { .. } => "silent",
            Self::Offline { .. } => "offline",
            Self::Paused { .. } => "paused",
            Self::HeartbeatNeeded => "heartbeat_needed",
            Self::Convicted => "convicted",
            Self::Busy { .. } => "busy",
            Self::NoLocksLeft => "no_locks_left",
            Self::BondTooSmall { .. } => "bond_too_small",
        }
    }

    /// What it means.
    pub fn meaning(&self) -> &'static str {
        match self {
            Self::Idle { .. } => {
                "the worker is idle and gets the next job whose price is not below its ask and \
                 whose lock the free bond covers"
            }
            Self::NeverHeard => "the worker is registered and never sent a heartbeat",
            Self::Silent { .. } => "the worker's last heartbeat is too old",
            Self::Offline { .. } => {
                "the worker said that it takes no jobs: its owner uses the machine, its hours are \
                 over, or it was stopped"
            }
            Self::Paused { .. } => "the worker pauses after declines or timeouts",
            Self::HeartbeatNeeded => "the worker's pause is over, and it was not heard since",
            Self::Convicted => "a result of the worker was proved wrong, or its data withheld",
            Self::Busy { .. } => "all slots of the worker have jobs",
            Self::NoLocksLeft => "the provider's bond backs as many jobs as it may",
            Self::BondTooSmall { .. } => {
                "the provider's free bond does not cover the lock of the smallest job"
            }
        }
    }

    /// What its provider can do.
    pub fn what_to_do(&self) -> &'static str {
        match self {
            Self::Idle { .. } => "wait; if jobs pass by, lower the ask or add to the bond",
            Self::NeverHeard | Self::Silent { .. } => {
                "start the worker, and run its doctor if it runs already"
            }
            Self::Offline { .. } => {
                "nothing if that is wanted: a worker that may take jobs again says so by itself; \
                 otherwise start it"
            }
            Self::Paused { .. } => {
                "see the history for the reasons, mend them, and wait for the block named"
            }
            Self::HeartbeatNeeded => "nothing: a running worker sends it by itself",
            Self::Convicted => {
                "find the fault in hardware or software, then deregister the worker and register \
                 it again"
            }
            Self::Busy { .. } => "nothing: it earns",
            Self::NoLocksLeft => "wait until jobs settle",
            Self::BondTooSmall { .. } => "add to the bond, or wait until jobs settle",
        }
    }
}
