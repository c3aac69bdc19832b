//! An honest worker answers what is demanded, is not harmed by accusations, and is paid.

use anyhow::{ensure, Context, Result};
use mizan_client::blobs::BlobStore;
use mizan_client::disputes::{self, Accusation, BlobRef, Request};
use mizan_client::views::JobState;
use mizan_client::{account_of, keys, At, ClientError};
use mizan_tensor::{Exhibits, Plan};
use mizan_tests::jobs;
use mizan_tests::scene::{Scene, BATCH};
use mizan_tests::wait::Deadline;
use mizan_tests::workers::{heard, Owner, Worker};

#[tokio::test]
async fn an_honest_worker_answers_and_is_paid_whoever_accuses_it() -> Result<()> {
    let scene = Scene::new().await?;
    let client = scene.client();
    let owner = Owner::alone("//Charlie");
    owner.register(client).await?;
    let mut worker = Worker::start(
        "worker",
        &owner,
        &scene.chain.url,
        scene.blobs.folder(),
        scene.folder.path(),
        true,
    )?;
    heard(client, &owner, Deadline::seconds(60)).await?;
    let id = scene.post(&owner).await?;
    let claimed = scene.claimed(id).await?;
    let job = id.to_string();

    // Somebody accuses it of what is right: it costs the accuser.
    let dave = keys::parse_key("//Dave")?;
    let accuser = account_of(&dave);
    let before = scene.total(&accuser).await?;
    let evidence = evidence(&scene, id).await?;
    let call = disputes::submit_fraud_proof(id, ACCUSATION, evidence);
    let included = client.submit(&call, &dave).await?;
    let failed = included.failed_proof().context("the proof did not fail")?;
    ensure!(failed.why == "what it opens is as it must be", "{failed:?}");
    let economics = client.economics(At::Best).await?;
    ensure!(failed.burned == economics.proof_deposit);
    ensure!(
        scene.total(&accuser).await? < before - failed.burned,
        "no fee"
    );
    // What the job does not have can't be demanded.
    let nothing = Request::Chunks {
        blob: BlobRef::Trace,
        first: 1,
        count: 1,
    };
    let refused = client.submit(&disputes::demand(id, nothing), &dave).await;
    let refused = refused.err().context("it was demanded")?;
    ensure!(
        refused.is_refusal("Disputes", "RequestImpossible"),
        "{refused}"
    );

    // Its requester demands, and gets.
    let bob = scene.command("//Bob")?;
    let file = scene.folder.path().join("answer");
    let out = file.display().to_string();
    let words = ["job", "demand", &job, "--element", "3:7", "--wait"];
    let answered = bob.done(&[&words[..], &["--out", &out]].concat()).await?;
    ensure!(answered["end"] == "answered", "{answered}");
    ensure!(answered["convicted"] == false, "{answered}");
    ensure!(!std::fs::read(&file)?.is_empty(), "no bytes");
    let line = worker
        .process
        .line("answered demand", 0, Deadline::seconds(60));
    line.await?;
    let right = bob.done(&["job", "verify", &job, "--full"]).await?;
    ensure!(right["verdict"] == "right", "{right}");
    ensure!(right["batch"] == BATCH, "{right}");

    let settled = jobs::reached(client, id, "settled", Deadline::seconds(120)).await?;
    let JobState::Settled { settlement, .. } = &settled.state else {
        anyhow::bail!("the job is {}", settled.state);
    };
    ensure!(settlement.worker_paid > 0);
    // The answer kept it from settling when it would have.
    let planned = claimed.state.attestation().context("no claim")?;
    ensure!(settlement.settled_block > planned.settles_block);
    let too_late = client.submit(&disputes::demand(id, DEMAND), &dave).await;
    let over = |error: &ClientError| error.is_refusal("Disputes", "Over");
    ensure!(too_late.as_ref().is_err_and(over), "{too_late:?}");
    scene.check_books().await
}

const ACCUSATION: Accusation = Accusation::Element {
    operation: 0,
    index: 0,
};
const DEMAND: Request = Request::Element {
    operation: 0,
    index: 0,
};

/// What opens the first element, from the published blobs.
async fn evidence(scene: &Scene, id: u64) -> Result<Vec<u8>> {
    let job = scene.client().job(id, At::Best).await?.context("no job")?;
    let claim = job.state.attestation().context("no claim")?;
    let program = scene.client().program(&job.model, At::Best).await?;
    let plan = Plan::new(program.context("no model")?)?;
    let mut blobs = Vec::new();
    let hashes = plan.program().parameters.iter().map(|of| of.hash);
    for hash in hashes.chain(job.inputs.iter().copied()) {
        blobs.push(scene.blobs.get(hash, u64::MAX).await?);
    }
    let (parameters, inputs) = blobs.split_at(plan.program().parameters.len());
    let parameters: Vec<&[u8]> = parameters.iter().map(Vec::as_slice).collect();
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let trace = scene.blobs.get(claim.trace, u64::MAX).await?;
    let exhibits = Exhibits {
        plan: &plan,
        batch: job.batch,
        parameters: &parameters,
        inputs: &inputs,
        trace: &trace,
        outputs: &[],
    };
    exhibits.evidence(&ACCUSATION).context("it can't be opened")
}
