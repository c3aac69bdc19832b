use super::*;
use crate::{
    auditing::{
        choosing::FullForm,
        fixture::Fixture,
        full::{check, Checked},
        sampled::Known,
        Ruling,
    },
    settings::Memory,
};
use axum::{body::Body, response::Response, routing::get, Router};
use futures::{stream, StreamExt};
use mizan_blobs::{
    Accounts, Accumulators, BlobServer, ClientSettings, LocalBlobStore, Settings, Storage,
    UploadRight, Url,
};
use mizan_client::{account_of, keys};
use mizan_engine::CpuExecutor;
use mizan_tensor::{Accusation, AuditScope};
use std::{collections::HashSet, io};
use tempfile::TempDir;

const JOB: u64 = 5;
/// It computes so slowly that advice saves a second, and has all that it fetches at once.
const SLOW: Machine = Machine {
    macs_per_second: 1_000_000,
    bytes_per_second: 1 << 40,
};

/// An auditor, and a blob server that takes whatever it is given.
struct Place {
    supply: Supply,
    passing: LocalBlobStore,
    budget: Budget,
    served: LocalBlobStore,
    named: Vec<String>,
    _folder: TempDir,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = keys::parse_key("//Alice").unwrap();
        let open = |name: &str| LocalBlobStore::open(folder.path().join(name)).unwrap();
        let served = open("served");
        let storage = Storage::in_folder(served.clone()).unwrap();
        let address = "127.0.0.1:0".parse().unwrap();
        let gate = Accounts(HashSet::from([account_of(&key).0]));
        let bound = BlobServer::bind(address, storage, Settings::default(), Box::new(gate));
        let server = bound.await.unwrap();
        let url = format!("http://{}", server.address());
        tokio::spawn(server.run(std::future::pending()));
        Self {
            supply: Supply::new(open("blobs"), Vec::new(), true, key).unwrap(),
            passing: open("passing"),
            budget: Budget::new(Memory::Bytes(1 << 20)),
            served,
            named: vec![url],
            _folder: folder,
        }
    }

    /// Serves these accumulators, under their own names, and a list of them.
    async fn serve(&self, accumulators: &[Option<Vec<i32>>]) {
        let mut named = Vec::new();
        for (sums, operation) in accumulators.iter().zip(0u16..) {
            let Some(sums) = sums else { continue };
            let bytes: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
            let hash = self.served.put(&bytes).await.unwrap();
            let bytes = bytes.len() as u64;
            named.push(Accumulators {
                operation,
                hash,
                bytes,
            });
        }
        self.list(named).await;
    }

    async fn list(&self, named: Vec<Accumulators>) {
        let list = AdviceList::new(named).unwrap();
        let put = self.supply.put_advice_list(&self.named, JOB, &list);
        put.await.unwrap();
    }

    fn advice(&self) -> ServedAdvice<'_> {
        ServedAdvice {
            supply: &self.supply,
            named: &self.named,
            machine: &SLOW,
            budget: &self.budget,
            passing: &self.passing,
            verdict_by: Instant::now() + Duration::from_secs(600),
        }
    }

    /// What a full audit comes to with what is served.
    async fn check(&self, fixture: &Fixture) -> Checked {
        let (brief, mut known) = (fixture.brief(AuditScope::Full), Known::default());
        let (executor, advice) = (CpuExecutor::new(), self.advice());
        let source = &fixture.source;
        let checked = check(&brief, source, &mut known, &SLOW, &executor, &advice).await;
        // Whatever came is gone from the disk.
        for folder in ["partial", "incoming"] {
            let folder = self.passing.folder().join(folder);
            assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
        }
        checked.unwrap()
    }

    /// A right result passes and a wrong one is convicted, in that form.
    async fn assert_checks(&self, form: FullForm) {
        let checked = self.check(&Fixture::new()).await;
        assert!(matches!(checked.ruling, Ruling::Pass { .. }), "{checked:?}");
        assert_eq!(checked.form, Some(form));
        let checked = self.check(&Fixture::with_wrong_element(0, 100)).await;
        let accusation = Accusation::Element {
            operation: 0,
            index: 100,
        };
        assert!(
            matches!(&checked.ruling, Ruling::Fraud(fraud) if fraud.accusation == accusation),
            "{checked:?}"
        );
        assert_eq!(checked.form, Some(form));
    }
}

/// The list that a worker makes of the fixture's result, and its accumulators' name and length.
fn named(operation: u16, bytes: u64) -> Accumulators {
    Accumulators {
        operation,
        hash: [9; 32],
        bytes,
    }
}

#[tokio::test]
async fn served_accumulators_are_used_and_their_memory_is_counted() {
    let (place, fixture) = (Place::new().await, Fixture::new());
    place.serve(&fixture.accumulators()).await;
    let advice = place.advice().advice(fixture.subject()).await.unwrap();
    assert_eq!(advice.accumulators, fixture.accumulators());
    assert!(place.budget.used_bytes() >= 2 * 48_000);
    drop(advice);
    assert_eq!(place.budget.used_bytes(), 0);
    place.assert_checks(FullForm::Advice).await;
}

#[tokio::test]
async fn wrong_accumulators_cost_time_and_nothing_else() {
    let place = Place::new().await;
    let mut bad = Fixture::new().accumulators();
    bad[0].as_mut().unwrap()[7] ^= 1 << 20;
    place.serve(&bad).await;
    place.assert_checks(FullForm::Advice).await;
}

#[tokio::test]
async fn lists_that_do_not_fit_the_job_are_as_none() {
    // Another length, no linear operation, and none at all.
    for bad in [
        vec![named(0, 48_004)],
        vec![named(1, 48_000)],
        vec![named(9, 4)],
    ] {
        let place = Place::new().await;
        place.list(bad).await;
        place.assert_checks(FullForm::Execute).await;
    }
}

#[tokio::test]
async fn lists_of_blobs_that_nobody_has_and_empty_ones_are_of_no_use() {
    for list in [vec![named(0, 48_000)], Vec::new()] {
        let place = Place::new().await;
        place.list(list).await;
        place.assert_checks(FullForm::Execute).await;
    }
}

#[tokio::test]
async fn blobs_of_another_length_than_the_list_says_are_not_taken() {
    for length in [47_996, 48_004] {
        let place = Place::new().await;
        let hash = place.served.put(&vec![1; length]).await.unwrap();
        let bytes = 48_000;
        let operation = 0;
        place
            .list(vec![Accumulators {
                operation,
                hash,
                bytes,
            }])
            .await;
        place.assert_checks(FullForm::Execute).await;
    }
}

/// A server that answers every request for a list so.
async fn answers(body: impl Fn() -> Body + Clone + Send + Sync + 'static) -> String {
    let answer = move || {
        let response = Response::new(body());
        async move { response }
    };
    let router = Router::new().route("/v1/advice/{job}", get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn servers_without_end_or_sense_are_left_in_time() {
    let endless = || {
        let pieces = stream::repeat_with(|| io::Result::Ok(vec![b' '; 10_000]));
        Body::from_stream(pieces)
    };
    let silent = || {
        let start = stream::iter([io::Result::Ok(vec![b'{'])]);
        Body::from_stream(start.chain(stream::pending()))
    };
    let (garbage, endless) = (answers(|| "garbage".into()).await, answers(endless).await);
    let silent = answers(silent).await;
    let fixture = Fixture::new();
    for server in [garbage.clone(), endless.clone(), silent.clone()] {
        let mut place = Place::new().await;
        place.named = vec![server];
        let checked = place.check(&fixture).await;
        assert!(matches!(checked.ruling, Ruling::Pass { .. }));
        assert_eq!(checked.form, Some(FullForm::Execute));
    }
    // Servers with sense are asked all the same.
    let mut place = Place::new().await;
    place.serve(&fixture.accumulators()).await;
    place.named.splice(0..0, [silent, garbage, endless]);
    assert_eq!(place.check(&fixture).await.form, Some(FullForm::Advice));
}

#[tokio::test]
async fn a_list_that_comes_a_little_later_is_waited_for() {
    let (place, fixture) = (Place::new().await, Fixture::new());
    let (url, list): (Url, _) = (place.named[0].parse().unwrap(), {
        let sums = fixture.accumulators()[0].clone().unwrap();
        let bytes: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        let hash = place.served.put(&bytes).await.unwrap();
        vec![Accumulators {
            operation: 0,
            hash,
            bytes: bytes.len() as u64,
        }]
    });
    let settings = ClientSettings {
        allow_private: true,
        ..ClientSettings::default()
    };
    let client = mizan_blobs::BlobClient::new(settings).unwrap();
    let right = UploadRight::Key(keys::parse_key("//Alice").unwrap());
    let slower = Machine {
        macs_per_second: 50_000,
        ..SLOW
    };
    let advice = ServedAdvice {
        machine: &slower,
        verdict_by: Instant::now() + Duration::from_secs(3_600),
        ..place.advice()
    };
    let asking = advice.advice(fixture.subject());
    let putting = async {
        // The first round has found nothing by then.
        assert!(client.advice_list(&url, JOB).await.is_err());
        let list = AdviceList::new(list).unwrap();
        let put = client.put_advice_list(std::slice::from_ref(&url), JOB, &list, &right);
        put.await.unwrap();
    };
    let (advice, ()) = tokio::join!(asking, putting);
    assert_eq!(advice.unwrap().accumulators, fixture.accumulators());
}

#[tokio::test]
async fn without_memory_time_or_servers_nothing_is_asked() {
    let fixture = Fixture::new();
    let mut place = Place::new().await;
    place.serve(&fixture.accumulators()).await;
    let reserved = place.budget.try_reserve(1 << 20).unwrap();
    assert_eq!(place.check(&fixture).await.form, Some(FullForm::Execute));
    drop(reserved);
    let late = ServedAdvice {
        verdict_by: Instant::now() + Duration::from_secs(20),
        ..place.advice()
    };
    assert!(late.advice(fixture.subject()).await.is_none());
    place.named.clear();
    assert_eq!(place.check(&fixture).await.form, Some(FullForm::Execute));
}

#[test]
fn waiting_takes_half_of_what_is_saved_and_leaves_time_to_execute_twice() {
    let seconds = Duration::from_secs;
    let worth = AdviceWorth {
        operations: Vec::new(),
        fetches: seconds(5),
        saves: seconds(20),
    };
    let patience = |executing, left| {
        let patience = Patience::new(&worth, seconds(executing), seconds(left));
        patience.map(|patience| (patience.list.as_secs(), patience.all.as_secs()))
    };
    assert_eq!(patience(30, 600), Some((10, 25)));
    // 12 seconds are for the verdict's way to the chain.
    assert_eq!(patience(30, 60 + 12 + 15), Some((10, 15)));
    assert_eq!(patience(30, 60 + 12 + 4), Some((4, 4)));
    assert_eq!(patience(30, 60 + 12), None);
    let worthless = AdviceWorth::default();
    assert_eq!(Patience::new(&worthless, seconds(1), seconds(600)), None);
}

#[test]
fn accumulators_are_read_if_there_are_as_many_as_there_must_be() {
    let bytes = [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(decode(&bytes, 8), Some(vec![1, -1]));
    for (bytes, expected) in [(&bytes[..], 4), (&bytes[..4], 8), (&bytes[..7], 7)] {
        assert_eq!(decode(bytes, expected), None);
    }
}
