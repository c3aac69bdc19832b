//! Results whose data is hidden: it is forced out, or silence convicts.

use anyhow::{ensure, Result};
use mizan_client::disputes::{self, BlobRef, Grounds, Request};
use mizan_client::views::JobView;
use mizan_client::{account_of, keys, At, Included};
use mizan_tests::scene::{Cheater, Scene};
use mizan_tests::wait::Deadline;

/// How a worker hides, and what is demanded of it.
const WAYS: [(&str, Request); 5] = [
    ("garbage", ELEMENT),
    ("vanish", TRACE),
    ("keep-output", OUTPUT),
    ("withhold-chunk", TRACE),
    ("answer-late", ELEMENT),
];
const ELEMENT: Request = Request::Element {
    operation: 0,
    index: 0,
};
const TRACE: Request = chunk(BlobRef::Trace);
const OUTPUT: Request = chunk(BlobRef::Output(0));
/// What `withhold-chunk` gives instead of the chunk.
const NODES: Request = Request::Nodes {
    blob: BlobRef::Trace,
    level: 0,
    index: 0,
};

const fn chunk(blob: BlobRef) -> Request {
    Request::Chunks {
        blob,
        first: 0,
        count: 1,
    }
}

/// A result whose data was demanded.
struct Hidden {
    cheater: Cheater,
    claimed: JobView,
    demanded: Included,
}

/// Gives a job to a worker that hides its result, and demands of it.
async fn demand(scene: &Scene, mut cheater: Cheater, request: Request) -> Result<Hidden> {
    let bob = keys::parse_key("//Bob")?;
    let id = scene.post(&cheater.owner).await?;
    let claimed = scene.claimed(id).await?;
    if cheater.how == "vanish" {
        let status = cheater.process.end(Deadline::seconds(30)).await?;
        ensure!(status.success(), "{status}");
    }
    if cheater.how == "withhold-chunk" {
        // It answers this one.
        scene
            .client()
            .submit(&disputes::demand(id, NODES), &bob)
            .await?;
    }
    let call = disputes::demand(id, request);
    let demanded = scene.client().submit(&call, &bob).await?;
    Ok(Hidden {
        cheater,
        claimed,
        demanded,
    })
}

#[tokio::test]
async fn hidden_data_is_forced_or_its_worker_convicted() -> Result<()> {
    let scene = Scene::new().await?;
    let cheaters = scene.cheaters(&WAYS.map(|(how, _)| how)).await?;
    let hidden = cheaters
        .into_iter()
        .zip(WAYS)
        .map(|(cheater, (_, request))| demand(&scene, cheater, request));
    let timing = scene.client().timing(At::Best).await?;
    for hidden in futures::future::try_join_all(hidden).await? {
        let Hidden {
            mut cheater,
            claimed,
            demanded,
        } = hidden;
        let how = cheater.how;
        let (_, assignment, conviction) = scene.convicted(claimed.id).await?;
        ensure!(
            matches!(conviction.grounds, Grounds::Unanswered { .. }),
            "{how}: {conviction:?}"
        );
        ensure!(conviction.challenger.is_none(), "{how}");
        ensure!(conviction.rewarded == 0, "{how}: {conviction:?}");
        ensure!(
            conviction.burned == assignment.lock,
            "{how}: {conviction:?}"
        );
        let refund = claimed.held + claimed.deposit;
        ensure!(conviction.refunded == refund, "{how}: {conviction:?}");
        // Dispute time ran with every block: none here was full.
        let silence = conviction.convicted_block - demanded.block_number;
        ensure!(
            silence == timing.answer_blocks + 1,
            "{how}: {silence} blocks"
        );
        scene.lost_the_lock(&assignment).await?;
        let deadline = Deadline::seconds(60);
        let said = match how {
            "answer-late" => "answer refused",
            "withhold-chunk" => "answered job=",
            _ => "",
        };
        cheater.process.line(said, 0, deadline).await?;
        println!("{how}: convicted {silence} blocks after the demand");
    }
    // Every deposit came back but for the one that bought an answer.
    let bob = account_of(&keys::parse_key("//Bob")?);
    let held = scene.client().balance(&bob, At::Best).await?;
    ensure!(held.held.iter().all(|(_, amount)| *amount == 0), "{held:?}");
    scene.check_books().await
}
