use super::*;
use crate::{
    small_job::{bytes, plan, view, KEY},
    supply::Supply,
    work,
};
use mizan_blobs::{Accounts, BlobServer, BlobStore, LocalBlobStore, Settings, Storage};
use mizan_tensor::{hash_bytes, Plan};
use std::{
    io,
    sync::{
        atomic::{AtomicU32, Ordering},
        Arc, Mutex,
    },
};

const BATCH: u32 = 3;
const WIDTH: u32 = 100;

/// A computed job that is owed to a blob server, which takes it.
struct Fixture {
    equipment: Equipment,
    plan: Plan,
    job: JobView,
    claim: Claim,
    owed: Vec<Hash>,
    served: LocalBlobStore,
    computed: AtomicU32,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut equipment = Equipment::bare(folder.path());
        let store = equipment.supply.store.clone();
        let (weights, channels) = (bytes(WIDTH * WIDTH), bytes(16 * WIDTH));
        let input = bytes(WIDTH * BATCH);
        for blob in [&weights, &channels, &input] {
            store.put(blob).await.unwrap();
        }
        let served = LocalBlobStore::open(folder.path().join("served")).unwrap();
        let storage = Storage::in_folder(served.clone()).unwrap();
        let gate = Accounts([equipment.account().0].into());
        let address = "127.0.0.1:0".parse().unwrap();
        let bound = BlobServer::bind(address, storage, Settings::default(), Box::new(gate));
        let server = bound.await.unwrap();
        let url = format!("http://{}", server.address());
        tokio::spawn(server.run(std::future::pending()));
        equipment.supply = Supply::new(store, Vec::new(), true, equipment.key.clone()).unwrap();
        let mut fixture = Self {
            equipment,
            plan: plan(8, &weights, &channels),
            job: view(BATCH, hash_bytes(&input), vec![url]),
            claim: Claim {
                outputs: Vec::new(),
                trace: [0; 32],
            },
            owed: Vec::new(),
            served,
            computed: AtomicU32::new(0),
            _folder: folder,
        };
        fixture.claim = fixture.compute().await.unwrap().unwrap();
        fixture.computed = AtomicU32::new(0);
        fixture.owed = work::claimed(&fixture.claim);
        let journal = &fixture.equipment.journal;
        journal.hold(KEY, &fixture.owed, &fixture.owed).unwrap();
        fixture
    }

    /// What the worker does to compute the job.
    async fn compute(&self) -> Result<Option<Claim>, StepError> {
        self.computed.fetch_add(1, Ordering::Relaxed);
        let Equipment {
            supply, executor, ..
        } = &self.equipment;
        let loaded = work::load(supply, &self.job, self.plan.clone()).await?;
        let executed = work::execute(executor.clone(), loaded, None).await?;
        Ok(Some(work::store(&supply.store, executed).await?.0))
    }

    async fn deliver<F>(&self, again: impl FnOnce() -> F) -> Result<(), StepError>
    where
        F: Future<Output = Result<Option<Claim>, StepError>>,
    {
        let Self {
            equipment,
            job,
            claim,
            owed,
            ..
        } = self;
        deliver_or_mend(equipment, KEY, job, claim, owed, again).await
    }

    fn damage(&self, hash: Hash) {
        let path = self.equipment.supply.store.path_of(hash);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[7] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }

    async fn is_served(&self, hash: Hash) -> bool {
        self.served.get(hash, 1 << 20).await.is_ok()
    }

    fn is_owed(&self) -> bool {
        let holding = self.equipment.journal.holding(KEY).unwrap();
        !holding.owed.is_empty()
    }
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn says(&self, words: &str) -> bool {
        let bytes = self.0.lock().unwrap();
        String::from_utf8_lossy(&bytes).contains(words)
    }

    /// Collects until what it gives is dropped.
    fn begin(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let log = tracing_subscriber::fmt().with_writer(move || log.clone());
        tracing::subscriber::set_default(log.finish())
    }
}

#[test]
fn the_last_blocks_are_kept_for_attesting() {
    let table = [
        // duration, next, last: left
        (5, 100, 105, 2),
        (40, 100, 140, 35),
        (3_600, 100, 3_700, 3_580),
        (40, 136, 140, 0),
        (40, 150, 140, 0),
    ];
    for (duration, next, last, left) in table {
        assert_eq!(blocks_to_deliver(duration, next, last), left);
    }
}

#[tokio::test]
async fn a_result_that_was_damaged_or_lost_is_computed_anew_and_delivered() {
    for (damaged, is_lost) in [(0, false), (1, false), (1, true)] {
        let fixture = Fixture::new().await;
        let hash = fixture.owed[damaged];
        match is_lost {
            true => fixture.equipment.supply.remove(hash).await.unwrap(),
            false => fixture.damage(hash),
        }
        let log = Log::default();
        let logging = log.begin();
        fixture.deliver(|| fixture.compute()).await.unwrap();
        drop(logging);
        assert!(log.says("computing the result anew, for it is damaged on the disk"));
        assert_eq!(fixture.computed.load(Ordering::Relaxed), 1);
        for hash in &fixture.owed {
            assert!(fixture.is_served(*hash).await);
        }
        assert!(!fixture.is_owed());
    }
}

#[tokio::test]
async fn a_result_that_is_well_is_not_computed_anew() {
    let fixture = Fixture::new().await;
    fixture.deliver(|| fixture.compute()).await.unwrap();
    assert_eq!(fixture.computed.load(Ordering::Relaxed), 0);
    assert!(!fixture.is_owed() && fixture.is_served(fixture.claim.trace).await);
}

#[tokio::test]
async fn a_damaged_result_that_can_not_be_computed_anew_stays_owed_and_reaches_nobody() {
    let fixture = Fixture::new().await;
    fixture.damage(fixture.claim.trace);
    let [input] = fixture.job.inputs[..] else {
        panic!("the job has one input");
    };
    fixture.equipment.supply.remove(input).await.unwrap();
    let failed = fixture.deliver(|| fixture.compute()).await.unwrap_err();
    assert!(
        matches!(&failed, StepError::Undelivered(error) if error.is_damage()),
        "{failed}"
    );
    let taken = fixture.deliver(|| async { Ok(None) }).await.unwrap_err();
    assert!(
        matches!(&taken, StepError::Undelivered(error) if error.is_damage()),
        "{taken}"
    );
    assert!(fixture.is_owed() && !fixture.is_served(fixture.claim.trace).await);
}

#[tokio::test]
async fn a_result_that_comes_out_differently_is_not_delivered() {
    let fixture = Fixture::new().await;
    fixture.damage(fixture.claim.trace);
    let other = Claim {
        trace: [9; 32],
        ..fixture.claim.clone()
    };
    let failed = fixture.deliver(|| async { Ok(Some(other)) }).await;
    assert!(matches!(failed, Err(StepError::Work(WorkError::Faulty))));
    assert!(fixture.is_owed());
}
