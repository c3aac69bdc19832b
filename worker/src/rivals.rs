//! Another process that uses the same key.
//!
//! Two workers with one key take each other's jobs and, on faulty hardware, attest two results of
//! one job, which is fraud. So the worker reads every final block for heartbeats and attestations
//! that its key signed and that it did not send, and stops rather than fights.
//!
//! A transaction whose fate is unknown, because the connection was lost, explains one that was
//! not seen to be sent; so does the process before this one, which may have been killed right
//! after it sent a heartbeat. The longer a process has been heard, the more it bears: of two, the
//! newcomer stops. Blocks that were there before this process say nothing of a process beside it:
//! they become final only now, with heartbeats of one that was stopped.

use mizan_client::{subxt::utils::H256, AccountId, At, ClientError, Hash};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tracing::{debug, warn};

use crate::node::Node;

/// Heartbeats of others that a process bears at first, and at most.
const BORNE: usize = 1;
const MOST_BORNE: usize = 6;

/// What the key signs that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signed {
    /// A heartbeat.
    Heartbeat,
    /// An attestation of that job.
    Attestation(u64),
}

/// Somebody else uses the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "another process uses the key of {worker}: {what}. Stop one of them, or give this one another \
     key (`mizan-worker key new`): two workers with one key take each other's jobs, and two \
     attestations of one job are fraud"
)]
pub struct Rival {
    /// The key's account.
    pub worker: String,
    /// What gave it away.
    pub what: String,
}

#[derive(Debug, Default)]
struct Seen {
    /// The newest block when this process began to follow the chain.
    begun_block: Option<u32>,
    /// Hashes of transactions that this process sent.
    own: BTreeSet<Hash>,
    own_heartbeats: usize,
    /// Sent and neither included nor refused: on their way, or lost.
    open: BTreeMap<Signed, usize>,
    /// Jobs whose result was computed in this process: nobody before it can have attested them.
    computed: BTreeSet<u64>,
    unexplained: BTreeMap<Hash, Signed>,
}

/// Watches for another process with the same key.
#[derive(Debug, Default)]
pub struct Rivals(Mutex<Seen>);

impl Rivals {
    /// This process follows the chain from here on, where `best_block` is the newest. Only the
    /// first time counts: later ones are new connections of the same process.
    pub fn begin(&self, best_block: u32) {
        self.lock().begun_block.get_or_insert(best_block);
    }

    /// The result of a job was computed here.
    pub fn computed(&self, job: u64) {
        self.lock().computed.insert(job);
    }

    /// Sends a transaction through `send`, and remembers what became of it.
    pub async fn send(
        &self,
        what: Signed,
        send: impl std::future::Future<Output = Result<mizan_client::Included, ClientError>>,
    ) -> Result<mizan_client::Included, ClientError> {
        *self.lock().open.entry(what).or_default() += 1;
        let result = send.await;
        let mut seen = self.lock();
        match &result {
            Ok(included) => seen.included(what, included.extrinsic_hash),
            Err(ClientError::Refused { extrinsic_hash, .. }) => {
                seen.settled(what);
                // A block holds it, and it was this process's.
                if let Some(hash) = extrinsic_hash {
                    seen.sent_here(*hash);
                }
            }
            Err(ClientError::Rejected { .. }) => seen.settled(what),
            // It may still be included: it stays open.
            Err(_) => {}
        }
        result
    }

    /// Looks at a final block. What can't be read is passed over: another block follows.
    pub async fn look_at(&self, node: &Node, worker: &AccountId, number: u32, block: Hash) {
        if !self.lock().can_tell(number) {
            return;
        }
        match signed_in(node, worker, block).await {
            Ok(found) => found
                .into_iter()
                .for_each(|(hash, what)| self.lock().found(hash, what)),
            Err(reason) => debug!("a block was not searched for other users of the key: {reason}"),
        }
    }

    /// Whether somebody else uses the key.
    pub fn verdict(&self, worker: &AccountId) -> Result<(), Rival> {
        let what = self.lock().verdict();
        let worker = worker.to_string();
        what.map_or(Ok(()), |what| Err(Rival { worker, what }))
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Whether what a block has was sent while this process was there.
    fn can_tell(&self, number: u32) -> bool {
        self.begun_block.is_none_or(|begun| number > begun)
    }

    fn included(&mut self, what: Signed, hash: Hash) {
        self.settled(what);
        self.sent_here(hash);
        if what == Signed::Heartbeat {
            self.own_heartbeats += 1;
        }
    }

    fn sent_here(&mut self, hash: Hash) {
        self.own.insert(hash);
        self.unexplained.remove(&hash);
    }

    fn settled(&mut self, what: Signed) {
        if let Some(open) = self.open.get_mut(&what) {
            *open = open.saturating_sub(1);
        }
    }

    fn found(&mut self, hash: Hash, what: Signed) {
        if !self.own.contains(&hash) && self.unexplained.insert(hash, what).is_none() {
            debug!("a final block has a transaction of this key that is not known: {what:?}");
        }
    }

    fn verdict(&self) -> Option<String> {
        let open = |what: &Signed| self.open.get(what).copied().unwrap_or_default();
        let of = |what: &Signed| {
            let all = self.unexplained.values();
            all.filter(|other| *other == what).count()
        };
        let attested = self.unexplained.values().find_map(|what| match what {
            Signed::Attestation(job) if self.computed.contains(job) => {
                (of(what) > open(what)).then_some(*job)
            }
            _ => None,
        });
        if let Some(job) = attested {
            return Some(format!(
                "job {job} was attested by it, and not by this process"
            ));
        }
        let foreign = of(&Signed::Heartbeat).saturating_sub(open(&Signed::Heartbeat));
        let borne = (BORNE + self.own_heartbeats).min(MOST_BORNE);
        if foreign > borne {
            return Some(format!("{foreign} heartbeats came from it"));
        }
        if foreign > BORNE {
            warn!("{foreign} heartbeats of this key came from another process: stop one of them");
        }
        None
    }
}

/// Heartbeats and attestations that the key signed, in a block.
async fn signed_in(
    node: &Node,
    worker: &AccountId,
    block: Hash,
) -> Result<Vec<(Hash, Signed)>, String> {
    let at = node.ask(node.client().at(At::Hash(block))).await;
    let at = at.map_err(|error| error.to_string())?;
    let fetched = async { Ok(at.extrinsics().fetch().await) };
    let fetched = node.ask(fetched).await.map_err(|error| error.to_string())?;
    let extrinsics = fetched.map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for extrinsic in extrinsics.iter() {
        let extrinsic = extrinsic.map_err(|error| error.to_string())?;
        let signer = extrinsic.address_bytes();
        if !signer.is_some_and(|address| address.ends_with(&worker.0)) {
            continue;
        }
        let what = match (extrinsic.pallet_name(), extrinsic.call_name()) {
            ("Providers", "heartbeat") => Signed::Heartbeat,
            ("Jobs", "attest_job") => {
                // The job's id comes first, as eight bytes.
                let fields = extrinsic.call_data_field_bytes();
                let Some(job) = fields.first_chunk() else {
                    continue;
                };
                Signed::Attestation(u64::from_le_bytes(*job))
            }
            _ => continue,
        };
        let H256(hash) = extrinsic.hash();
        found.push((hash, what));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(byte: u8) -> Hash {
        [byte; 32]
    }

    fn sent(seen: &mut Seen, what: Signed) {
        *seen.open.entry(what).or_default() += 1;
    }

    #[test]
    fn what_this_process_sent_is_no_rivals() {
        let mut seen = Seen::default();
        for byte in 0..9 {
            sent(&mut seen, Signed::Heartbeat);
            // Final before the node said that it is included, or after.
            if byte % 2 == 0 {
                seen.found(hash(byte), Signed::Heartbeat);
            }
            assert_eq!(seen.verdict(), None);
            seen.included(Signed::Heartbeat, hash(byte));
            seen.found(hash(byte), Signed::Heartbeat);
            assert_eq!(seen.verdict(), None);
        }
        assert!(seen.unexplained.is_empty());
    }

    #[test]
    fn a_newcomer_stops_at_the_second_foreign_heartbeat_and_an_old_hand_later() {
        let mut newcomer = Seen::default();
        newcomer.found(hash(1), Signed::Heartbeat);
        assert_eq!(newcomer.verdict(), None);
        newcomer.found(hash(1), Signed::Heartbeat);
        assert_eq!(newcomer.verdict(), None);
        newcomer.found(hash(2), Signed::Heartbeat);
        assert!(newcomer.verdict().unwrap().contains("2 heartbeats"));

        let mut old = Seen::default();
        for byte in 100..120 {
            old.included(Signed::Heartbeat, hash(byte));
        }
        for byte in 1..=6 {
            old.found(hash(byte), Signed::Heartbeat);
            assert_eq!(old.verdict(), None);
        }
        old.found(hash(7), Signed::Heartbeat);
        assert!(old.verdict().is_some());
    }

    #[test]
    fn blocks_from_before_this_process_tell_nothing_and_a_new_connection_begins_nothing() {
        let rivals = Rivals::default();
        rivals.begin(10);
        rivals.begin(20);
        let can_tell = |number| rivals.lock().can_tell(number);
        assert!(!can_tell(9));
        assert!(!can_tell(10));
        assert!(can_tell(11));
    }

    #[test]
    fn a_lost_transaction_explains_one() {
        let mut seen = Seen::default();
        sent(&mut seen, Signed::Heartbeat);
        seen.found(hash(1), Signed::Heartbeat);
        seen.found(hash(2), Signed::Heartbeat);
        assert_eq!(seen.verdict(), None);
        seen.settled(Signed::Heartbeat);
        assert!(seen.verdict().is_some());
    }

    #[test]
    fn a_foreign_attestation_of_a_job_computed_here_is_a_rivals() {
        let what = Signed::Attestation(3);
        let mut seen = Seen::default();
        seen.found(hash(1), what);
        // The process before this one may have sent it.
        assert_eq!(seen.verdict(), None);
        seen.computed.insert(3);
        assert!(seen.verdict().unwrap().contains("job 3"));
        // Unless this process sent one, too, and does not know what became of it.
        sent(&mut seen, what);
        assert_eq!(seen.verdict(), None);
        seen.settled(what);
        assert!(seen.verdict().is_some());
    }

    #[tokio::test]
    async fn what_the_runtime_refused_is_in_a_block_and_no_rivals() {
        let rivals = Rivals::default();
        // The process before this one sent it just before it was stopped.
        rivals.lock().found(hash(1), Signed::Heartbeat);
        let refused = async {
            Err(ClientError::Refused {
                pallet: "Providers".into(),
                error: "HeartbeatTooSoon".into(),
                docs: String::new(),
                extrinsic_hash: Some(hash(2)),
            })
        };
        rivals.send(Signed::Heartbeat, refused).await.unwrap_err();
        rivals.lock().found(hash(2), Signed::Heartbeat);
        assert_eq!(rivals.lock().verdict(), None);
    }

    #[tokio::test]
    async fn what_the_node_refused_is_settled_and_what_got_lost_stays_open() {
        let rivals = Rivals::default();
        let rejected = async {
            Err(ClientError::Rejected {
                reason: "priority".into(),
            })
        };
        rivals.send(Signed::Heartbeat, rejected).await.unwrap_err();
        let open = || rivals.lock().open[&Signed::Heartbeat];
        assert_eq!(open(), 0);
        let lost = async { Err(ClientError::Unexpected("gone".into())) };
        rivals.send(Signed::Heartbeat, lost).await.unwrap_err();
        assert_eq!(open(), 1);
    }
}
