//! What is removed, and what never is.

use crate::fixture::{bearer, client, hash, random, until, Served};
use mizan_blobs::{BlobStore, Collected, GarbageRules, Hash, Nobody, Settings};
use std::{
    collections::HashSet,
    fs::File,
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A blob that was last used so many days ago.
async fn aged(served: &Served, seed: u64, length: usize, days: u32) -> Hash {
    let name = served.store.put(&random(length, seed)).await.unwrap();
    let file = File::open(served.store.path_of(name)).unwrap();
    file.set_modified(SystemTime::now() - DAY * days).unwrap();
    name
}

async fn here(served: &Served, names: &[Hash]) -> Vec<bool> {
    let mut here = Vec::new();
    for name in names {
        here.push(client().has(&served.url, *name).await.unwrap());
    }
    here
}

#[tokio::test]
async fn what_was_not_used_for_long_is_removed() {
    let served = Served::start().await;
    let names = [
        aged(&served, 1, 1000, 9).await,
        aged(&served, 2, 20_000, 9).await,
        aged(&served, 3, 1000, 9).await,
        aged(&served, 4, 1000, 1).await,
    ];
    // The first was just used, over HTTP; the second has an outboard.
    reqwest::get(served.blob(names[0]))
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    let rules = GarbageRules {
        max_age: Some(7 * DAY),
        keep: HashSet::from([names[2]]),
        ..GarbageRules::default()
    };
    let collected = served.storage.collect_garbage(&rules).await.unwrap();
    let expected = Collected {
        blobs: 1,
        advice_lists: 0,
        bytes: 20_000,
        uploads: 0,
        bytes_left: 3000,
    };
    assert_eq!(collected, expected);
    assert_eq!(here(&served, &names).await, [true, false, true, true]);
}

#[tokio::test]
async fn what_does_not_fit_is_removed_oldest_first() {
    let served = Served::start().await;
    let names = [
        aged(&served, 1, 1000, 3).await,
        aged(&served, 2, 1000, 5).await,
        aged(&served, 3, 1000, 4).await,
        aged(&served, 4, 1000, 6).await,
    ];
    let rules = GarbageRules {
        max_total_bytes: Some(2500),
        keep: HashSet::from([names[3]]),
        ..GarbageRules::default()
    };
    let collected = served.storage.collect_garbage(&rules).await.unwrap();
    assert_eq!((collected.blobs, collected.bytes_left), (2, 2000));
    assert_eq!(here(&served, &names).await, [true, false, false, true]);
}

#[tokio::test]
async fn a_blob_that_is_being_read_is_not_removed() {
    let served = Served::start().await;
    let name = aged(&served, 1, 32_000_000, 9).await;
    let all = GarbageRules {
        max_age: Some(Duration::ZERO),
        ..GarbageRules::default()
    };
    let mut answer = reqwest::get(served.blob(name)).await.unwrap();
    answer.chunk().await.unwrap().unwrap();
    assert_eq!(served.storage.collect_garbage(&all).await.unwrap().blobs, 0);
    drop(answer);
    until("the end of the download", || async {
        served.storage.collect_garbage(&all).await.unwrap().blobs == 1
    })
    .await;
    assert_eq!(here(&served, &[name]).await, [false]);
}

#[tokio::test]
async fn abandoned_uploads_are_removed_by_the_server_itself() {
    let rules = GarbageRules {
        abandoned_after: DAY,
        ..GarbageRules::default()
    };
    let settings = Settings {
        garbage: Some((rules, Duration::from_millis(50))),
        ..Settings::default()
    };
    let served = Served::with(settings, Box::new(Nobody)).await;
    let blob = random(1000, 5);
    let staged = |name: Hash| {
        let file = format!("{}-{}", "00".repeat(32), hex::encode(name));
        served.store.folder().join("uploads").join(file)
    };
    let (old, new) = (staged(hash(&blob)), staged([1; 32]));
    std::fs::write(&new, b"x").unwrap();
    let file = File::create(&old).unwrap();
    file.set_modified(SystemTime::now() - 2 * DAY).unwrap();
    until("removal", || async { !old.exists() }).await;
    assert!(new.exists());
    let request = reqwest::Client::new().put(served.blob(hash(&blob)));
    let answer = request.header("authorization", bearer()).body(blob).send();
    assert_eq!(answer.await.unwrap().status(), 201);
}
