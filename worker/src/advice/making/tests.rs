use super::*;
use crate::{
    settings::Memory,
    small_job::{bytes, plan, view, KEY},
    supply::Supply,
};
use mizan_blobs::{
    Accounts, BlobClient, BlobServer, ClientSettings, LocalBlobStore, Settings, Storage, Url,
};
use std::collections::HashSet;

const WIDTH: u32 = 1_024;
const BATCH: u32 = 256;

/// A worker with a job of two operations, the first of which is linear, and a blob server.
struct Fixture {
    equipment: Equipment,
    advisor: Advisor,
    audited: Audited,
    plan: Plan,
    server: Url,
    served: LocalBlobStore,
    right: Vec<u8>,
    _folder: tempfile::TempDir,
}

/// A server that takes uploads from one account, or from none.
async fn serve(served: &LocalBlobStore, accounts: HashSet<[u8; 32]>) -> Url {
    let storage = Storage::in_folder(served.clone()).unwrap();
    let address = "127.0.0.1:0".parse().unwrap();
    let gate = Box::new(Accounts(accounts));
    let bound = BlobServer::bind(address, storage, Settings::default(), gate);
    let server = bound.await.unwrap();
    let url = format!("http://{}", server.address()).parse().unwrap();
    tokio::spawn(server.run(std::future::pending()));
    url
}

/// Of the first operation, which reads no trace.
fn accumulators(executor: &CpuExecutor, plan: &Plan, tensors: &[&[u8]], input: &[u8]) -> Vec<u8> {
    let trace = bytes(2 * WIDTH * BATCH);
    let model = executor.load_lazily(plan, tensors);
    let sums = model.accumulators(0, &[input], BATCH, &trace).unwrap();
    let sums = sums.unwrap();
    sums.iter().flat_map(|sum| sum.to_le_bytes()).collect()
}

impl Fixture {
    async fn new(takes_uploads: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut equipment = Equipment::bare(folder.path());
        equipment.budget = crate::budget::Budget::new(Memory::Bytes(16 << 20));
        let store = equipment.supply.store.clone();
        let (key, accounts) = (
            equipment.key.clone(),
            HashSet::from([equipment.account().0]),
        );
        equipment.supply = Supply::new(store.clone(), Vec::new(), true, key).unwrap();
        let served = LocalBlobStore::open(folder.path().join("served")).unwrap();
        let accounts = if takes_uploads {
            accounts
        } else {
            HashSet::new()
        };
        let server = serve(&served, accounts).await;
        let (weights, channels) = (bytes(WIDTH * WIDTH), bytes(16 * WIDTH));
        let (input, trace) = (bytes(WIDTH * BATCH), bytes(2 * WIDTH * BATCH));
        for blob in [&weights, &channels, &input, &trace] {
            store.put(blob).await.unwrap();
        }
        let (plan, executor) = (plan(BATCH, &weights, &channels), CpuExecutor::new());
        let right = accumulators(&executor, &plan, &[&weights, &channels], &input);
        let audit = AdviceKey {
            key: KEY,
            seed: [7; 32],
        };
        Self {
            right,
            advisor: Advisor::new(executor, folder.path()).unwrap(),
            audited: Audited {
                audit,
                job: view(BATCH, hash_bytes(&input), vec![server.as_str().to_owned()]),
                claim: Claim {
                    outputs: vec![[0; 32]],
                    trace: hash_bytes(&trace),
                },
                left: Duration::from_secs(60),
            },
            equipment,
            plan,
            server,
            served,
            _folder: folder,
        }
    }

    async fn make(&self) -> Result<Given, AdviceError> {
        let (plan, audited) = (self.plan.clone(), &self.audited);
        make(&self.equipment, &self.advisor, audited, plan).await
    }

    async fn list(&self) -> Option<AdviceList> {
        let settings = ClientSettings {
            allow_private: true,
            ..ClientSettings::default()
        };
        let client = BlobClient::new(settings).unwrap();
        client.advice_list(&self.server, KEY.job).await.ok()
    }

    /// Whether nothing of it is left with the worker.
    async fn is_clean(&self) -> bool {
        let passing = &self.advisor.passing;
        let there = passing.contains(hash_bytes(&self.right)).await.unwrap();
        !there && self.equipment.budget.used_bytes() == 0
    }
}

#[tokio::test]
async fn accumulators_of_linear_operations_are_served_and_then_their_list() {
    let fixture = Fixture::new(true).await;
    for _ in 0..2 {
        assert_eq!(fixture.make().await.unwrap(), Given::Operations(1));
        let list = fixture.list().await.unwrap();
        assert_eq!(list.check(&fixture.plan, BATCH), Ok(()));
        let &[named] = list.accumulators() else {
            panic!("{list:?}");
        };
        let served = fixture.served.get(named.hash, named.bytes).await.unwrap();
        assert!(named.operation == 0 && served == fixture.right);
        assert!(fixture.is_clean().await);
    }
    assert_eq!(fixture.equipment.metrics.advice_lists.get(), 2);
}

#[tokio::test]
async fn a_server_that_takes_nothing_gets_no_list_and_nothing_stays() {
    let fixture = Fixture::new(false).await;
    let refused = fixture.make().await.unwrap_err();
    assert!(matches!(refused, AdviceError::Servers(_)), "{refused}");
    assert_eq!(fixture.list().await, None);
    assert!(fixture.is_clean().await);
}

#[tokio::test]
async fn paid_jobs_and_whoever_has_the_memory_go_first() {
    let fixture = Fixture::new(true).await;
    let paid = fixture.equipment.paid.begin();
    let refused = fixture.make().await.unwrap_err();
    assert!(matches!(refused, AdviceError::Postponed), "{refused}");
    drop(paid);
    let reserved = fixture.equipment.budget.try_reserve(12 << 20).unwrap();
    let refused = fixture.make().await.unwrap_err();
    assert!(matches!(refused, AdviceError::Postponed), "{refused}");
    drop(reserved);
    assert_eq!(fixture.list().await, None);
    assert_eq!(fixture.make().await.unwrap(), Given::Operations(1));
}

#[tokio::test]
async fn what_the_worker_lost_is_not_advised_on() {
    let fixture = Fixture::new(true).await;
    let store = &fixture.equipment.supply.store;
    store.remove(fixture.audited.claim.trace).await.unwrap();
    let refused = fixture.make().await.unwrap_err();
    let lost = fixture.audited.claim.trace;
    assert!(
        matches!(refused, AdviceError::Folder(BlobError::Missing(hash)) if hash == lost),
        "{refused}"
    );
    assert_eq!(fixture.list().await, None);
}

#[tokio::test]
async fn advice_that_saves_nobody_anything_is_not_made() {
    let mut fixture = Fixture::new(true).await;
    fixture.plan = plan(BATCH, &bytes(100), &bytes(160));
    assert_eq!(fixture.make().await.unwrap(), Given::Nothing);
    assert_eq!(fixture.list().await, None);
}
