use super::*;
use crate::small_job::{bytes, plan, view, KEY};
use futures::FutureExt;
use mizan_blobs::LocalBlobStore;
use mizan_client::AccountId;
use mizan_tensor::{hash_bytes, Commitment, Finding, Referee};

const BATCH: u32 = 3;
const WIDTH: u32 = 600;

/// An attested job of two operations, with all its blobs in a folder and no blob server.
struct Fixture {
    _folder: tempfile::TempDir,
    equipment: Equipment,
    plan: Plan,
    duty: Duty,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalBlobStore::open(folder.path().join("blobs")).unwrap();
        let (weights, channels) = (bytes(WIDTH * WIDTH), bytes(16 * WIDTH));
        let input = bytes(WIDTH * BATCH);
        for blob in [&weights, &channels, &input] {
            store.put(blob).await.unwrap();
        }
        let plan = plan(8, &weights, &channels);
        let execution = mizan_tensor::execute(&plan, &[&weights, &channels], &[&input], BATCH);
        let execution = execution.unwrap();
        let executed = work::Executed {
            commitment: Commitment::to(&execution),
            execution,
        };
        let (claim, _) = work::store(&store, executed).await.unwrap();
        Self {
            equipment: Equipment::bare(folder.path()),
            plan,
            duty: Duty {
                key: KEY,
                job: view(BATCH, hash_bytes(&input), Vec::new()),
                claim,
                now_time: 100,
            },
            _folder: folder,
        }
    }

    async fn make(&self, request: Request) -> Result<Vec<u8>, AnswerError> {
        let demand = Demand {
            id: 0,
            demander: AccountId([2; 32]),
            request,
            deposit: 1,
            answer_by_time: 102,
        };
        make(&self.equipment, &self.duty, &self.plan, &demand).await
    }

    fn judge(&self, request: &Request, answer: &[u8]) -> Finding {
        let claim = mizan_tensor::Claim {
            batch: BATCH,
            inputs: &self.duty.job.inputs,
            outputs: &self.duty.claim.outputs,
            trace: &self.duty.claim.trace,
        };
        let referee = Referee::new(&self.plan, claim).unwrap();
        referee.check_answer(request, answer).unwrap()
    }

    fn hash_of(&self, blob: BlobRef) -> Hash {
        self.duty.hash_of(&self.plan, blob).unwrap()
    }

    fn path_of(&self, blob: BlobRef) -> std::path::PathBuf {
        self.equipment.supply.store.path_of(self.hash_of(blob))
    }

    fn lose(&self, blob: BlobRef) {
        std::fs::remove_file(self.path_of(blob)).unwrap();
    }
}

fn requests() -> Vec<Request> {
    let chunks = |blob| Request::Chunks {
        blob,
        first: 1,
        count: 1,
    };
    let nodes = |blob, level| Request::Nodes {
        blob,
        level,
        index: 0,
    };
    let element = |operation, index| Request::Element { operation, index };
    vec![
        chunks(BlobRef::Input(0)),
        chunks(BlobRef::Parameter(0)),
        chunks(BlobRef::Trace),
        chunks(BlobRef::Output(0)),
        nodes(BlobRef::Parameter(1), 4),
        nodes(BlobRef::Trace, 2),
        element(0, 0),
        element(0, u64::from(WIDTH * BATCH) - 1),
        element(1, 700),
    ]
}

#[tokio::test]
async fn every_demand_that_can_be_made_is_answered_to_the_referees_satisfaction() {
    let fixture = Fixture::new().await;
    for request in requests() {
        let answer = fixture.make(request).await.unwrap();
        assert_eq!(fixture.judge(&request, &answer), Finding::Right);
    }
}

#[tokio::test]
async fn only_what_an_answer_opens_is_read() {
    let fixture = Fixture::new().await;
    fixture.lose(BlobRef::Parameter(0));
    for request in [
        Request::Chunks {
            blob: BlobRef::Input(0),
            first: 0,
            count: 1,
        },
        // An addition reads no parameter.
        Request::Element {
            operation: 1,
            index: 3,
        },
    ] {
        assert!(fixture.make(request).await.is_ok(), "{request:?}");
    }
    let linear = Request::Element {
        operation: 0,
        index: 3,
    };
    let error = fixture.make(linear).await.unwrap_err();
    assert!(
        matches!(&error, AnswerError::Lost { blob, hash, .. }
            if *blob == BlobRef::Parameter(0) && *hash == fixture.hash_of(BlobRef::Parameter(0))),
        "{error}"
    );
    let named = hex_hash(&fixture.hash_of(BlobRef::Parameter(0)));
    assert!(error.to_string().contains("parameter:0"));
    assert!(error.to_string().contains(&named));
}

#[tokio::test]
async fn what_the_job_does_not_have_is_not_answered() {
    let fixture = Fixture::new().await;
    for request in [
        Request::Element {
            operation: 2,
            index: 0,
        },
        Request::Element {
            operation: 0,
            index: u64::from(WIDTH * BATCH),
        },
        Request::Chunks {
            blob: BlobRef::Output(1),
            first: 0,
            count: 1,
        },
        Request::Chunks {
            blob: BlobRef::Input(0),
            first: 1_000,
            count: 1,
        },
    ] {
        let error = fixture.make(request).await.unwrap_err();
        assert!(matches!(error, AnswerError::NothingLikeIt), "{error}");
    }
}

#[tokio::test]
async fn a_lost_or_damaged_result_is_computed_anew() {
    for blob in [BlobRef::Trace, BlobRef::Output(0)] {
        let fixture = Fixture::new().await;
        let request = Request::Chunks {
            blob,
            first: 0,
            count: 1,
        };
        fixture.lose(blob);
        let answer = fixture.make(request).await.unwrap();
        assert_eq!(fixture.judge(&request, &answer), Finding::Right);
        assert!(fixture.path_of(blob).exists());

        let mut damaged = std::fs::read(fixture.path_of(blob)).unwrap();
        damaged[7] ^= 1;
        std::fs::write(fixture.path_of(blob), damaged).unwrap();
        assert_eq!(fixture.make(request).await.unwrap(), answer);
    }
}

#[tokio::test]
async fn a_lost_result_that_comes_out_differently_or_not_at_all_stays_lost() {
    let request = Request::Chunks {
        blob: BlobRef::Trace,
        first: 0,
        count: 1,
    };
    let mut fixture = Fixture::new().await;
    fixture.duty.claim.trace = [9; 32];
    let error = fixture.make(request).await.unwrap_err();
    assert!(matches!(&error, AnswerError::Lost { blob, .. } if *blob == BlobRef::Trace));
    assert!(error.to_string().contains("faulty"), "{error}");

    let fixture = Fixture::new().await;
    fixture.lose(BlobRef::Trace);
    fixture.lose(BlobRef::Input(0));
    let error = fixture.make(request).await.unwrap_err();
    assert!(matches!(&error, AnswerError::Lost { blob, .. } if *blob == BlobRef::Trace));
    assert!(error.to_string().contains("input 0"), "{error}");
}

#[tokio::test]
async fn memory_that_other_jobs_have_delays_an_answer_and_does_not_prevent_it() {
    let mut fixture = Fixture::new().await;
    // No time is left to wait.
    fixture.duty.now_time = u32::MAX;
    let budget = &fixture.equipment.budget;
    let all = budget.reserve(budget.total_bytes()).now_or_never();
    let _all = all.flatten().unwrap();
    let request = requests()[0];
    let answer = fixture.make(request).await.unwrap();
    assert_eq!(fixture.judge(&request, &answer), Finding::Right);
}

#[test]
fn the_chain_says_when_a_demand_is_over() {
    let refused = |pallet: &str, error: &str| ClientError::Refused {
        pallet: pallet.into(),
        error: error.into(),
        docs: String::new(),
        extrinsic_hash: None,
    };
    for name in ["DemandUnknown", "JobUnknown", "Over", "AlreadyConvicted"] {
        assert!(is_over(&refused("Disputes", name)), "{name}");
        assert!(!is_over(&refused("Jobs", name)), "{name}");
    }
    assert!(!is_over(&refused("Disputes", "WrongHash")));
}
