//! A full audit that is given the worker's accumulators, and does not execute again.

use anyhow::{ensure, Context, Result};
use mizan_client::blobs::BlobStore;
use mizan_client::keys::format_address;
use mizan_client::views::AuditOutcome;
use mizan_client::{account_of, calls, keys, Hash};
use mizan_tensor::{hash_bytes, Operand, Operation, Parameter, Program, TensorType, FORMAT};
use mizan_tests::auditors::told;
use mizan_tests::jobs;
use mizan_tests::scene::{Chances, Scene, REQUESTER};
use mizan_tests::workers::Owner;

/// Inputs and outputs of the one layer, and items of the job.
const WIDTH: u32 = 1_024;
const BATCH: u32 = 256;
/// An auditor that believes to compute slowly and to fetch fast: executing would take it half a
/// minute, and it waits up to twelve seconds for advice.
const SLOW: [&str; 5] = [
    "--speed",
    "10000000",
    "--bandwidth",
    "1 TiB",
    "--allow-private-blob-servers",
];

/// The first auditor is drawn for a sample; the second, by the requester's order, for everything.
/// The worker gives it advice over the blob server of the job.
#[tokio::test]
async fn an_ordered_full_audit_is_done_with_the_workers_advice() -> Result<()> {
    let scene = Scene::audited(Chances::ONCE).await?;
    let requester = scene.command(REQUESTER)?;
    let (served, folder) = (scene.folder.path().join("served"), scene.folder.path());
    let address = format_address(&account_of(&keys::parse_key(REQUESTER)?));
    let for_requester = ["--for", &address];
    let server = requester.serve_blobs("server", &served, &for_requester, folder);
    let server = server.await?;
    let private = ["--allow-private-blob-servers"];
    let ((owner, mut worker), mut first, mut second) = tokio::try_join!(
        scene.worker_with(1, &private),
        scene.bondholder("sampling"),
        scene.bondholder("advised"),
    )?;
    scene.audits(&mut first).await?;
    let job = post(&scene, &owner, &server.url).await?;
    scene.drawn(job, &first).await?;
    scene.audits_with(&mut second, &SLOW).await?;
    let id = job.to_string();
    requester.done(&["job", "audit", &id, "--full"]).await?;

    scene.drawn(job, &second).await?;
    second.said("step=checked form=advice").await?;
    let log = std::fs::read_to_string(worker.process.log())?;
    ensure!(log.contains("gave advice to the auditor"), "{log}");
    let (_, settlement) = scene.settled(job).await?;
    ensure!(settlement.audit == AuditOutcome::Passed, "{settlement:?}");
    let notes = scene.audit_notes(job).await?;
    let expected = [
        ("auditor_drawn", first.account),
        ("audit_passed", first.account),
        ("auditor_drawn", second.account),
        ("audit_passed", second.account),
    ];
    ensure!(told(&notes) == expected, "{notes:?}");
    let blocks: Vec<u32> = notes.iter().map(|note| note.block).collect();
    println!("advised: its audits in blocks {blocks:?}");
    let list = reqwest::get(format!("{}/v1/advice/{job}", server.url)).await?;
    ensure!(list.status().is_success(), "{list:?}");
    for auditor in [&mut first, &mut second] {
        scene.dismiss(auditor).await?;
    }
    worker.process.stop().await?;
    scene.check_books().await
}

/// Posts a job of one layer, whose blobs are in the folder that all share and whose results go to
/// the blob server.
async fn post(scene: &Scene, owner: &Owner, server: &str) -> Result<u64> {
    let offer = calls::Offer {
        model: register(scene).await?,
        batch: BATCH,
        inputs: vec![scene.blobs.put(&noise(WIDTH * BATCH, 3)).await?],
        price_per_unit: jobs::PRICE,
        duration_blocks: 40,
        wait_blocks: 40,
        worker: Some(account_of(&owner.worker_key()?)),
        blob_servers: vec![server.to_owned()],
    };
    let requester = keys::parse_key(REQUESTER)?;
    let call = calls::post_job(offer);
    let posted = scene.client().submit(&call, &requester).await?;
    posted.posted_job().context("no job was posted")
}

/// Registers a model of one layer.
async fn register(scene: &Scene) -> Result<Hash> {
    let alice = keys::parse_key("//Alice")?;
    let mut channels = noise(16 * WIDTH, 2);
    for record in channels.chunks_mut(16) {
        // A multiplier of 16 bits, a shift of 14, and zeros where there must be.
        record[2..4].fill(0);
        record[5..8].fill(0);
        record[8] = 14;
    }
    let mut parameters = Vec::new();
    for (bytes, tensor) in [
        (noise(WIDTH * WIDTH, 1), TensorType::i8(&[WIDTH, WIDTH])),
        (channels, TensorType::channels(WIDTH)),
    ] {
        scene.blobs.put(&bytes).await?;
        let hash = hash_bytes(&bytes);
        parameters.push(Parameter { hash, tensor });
    }
    let program = Program {
        format: FORMAT,
        owner: account_of(&alice).0,
        max_batch: BATCH,
        inputs: vec![TensorType::i8(&[WIDTH])],
        parameters,
        tables: Vec::new(),
        operations: vec![Operation::Linear {
            input: Operand::Input(0),
            weights: 0,
            channels: 1,
            table: None,
        }],
        outputs: vec![0],
    };
    let call = calls::register_model(codec::Encode::encode(&program));
    scene.client().submit(&call, &alice).await?;
    Ok(program.id())
}

/// Bytes that look random and are the same every time.
fn noise(count: u32, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695);
        (state >> 56) as u8
    };
    (0..count).map(|_| next()).collect()
}
