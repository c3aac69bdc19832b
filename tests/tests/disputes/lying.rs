//! Wrong results with all data public.

use anyhow::{ensure, Context, Result};
use mizan_client::disputes::Grounds;
use mizan_client::{account_of, keys};
use mizan_tests::scene::Scene;
use serde_json::Value;

/// One byte of each kind of tensor, an output that differs from the trace, and a wrong length.
const LIES: [&str; 5] = [
    "flip:0:5",
    "flip:2:190",
    "flip:3:29",
    "wrong-output",
    "wrong-length",
];

#[tokio::test]
async fn every_lie_is_proved_by_whoever_looks() -> Result<()> {
    let scene = Scene::new().await?;
    let eve = scene.command("//Eve")?;
    let challenger = account_of(&keys::parse_key("//Eve")?);
    for cheater in scene.cheaters(&LIES).await? {
        let how = cheater.how;
        let job = scene.post(&cheater.owner).await?;
        let claimed = scene.held(job).await?;
        let id = job.to_string();
        let before = scene.total(&challenger).await?;
        let words = ["job", "verify", &id, "--full", "--submit"];
        let answer = eve.run(&words).await?;
        ensure!(answer.code == Some(8), "{how}: {answer:?}");
        let object = &answer.object;
        ensure!(object["verdict"] == "wrong", "{how}: {answer:?}");
        ensure!(object["state"] == "convicted", "{how}: {answer:?}");

        let (job, assignment, conviction) = scene.convicted(job).await?;
        check_grounds(how, &conviction.grounds)?;
        ensure!(conviction.challenger == Some(challenger));
        let share = assignment.lock / 5;
        ensure!(conviction.rewarded == share, "{conviction:?}");
        ensure!(
            conviction.burned == assignment.lock - share,
            "{conviction:?}"
        );
        // Proofs that convict are free.
        let after = scene.total(&challenger).await?;
        ensure!(after == before + share, "{how}: {before} {after}");
        let refund = claimed.held + claimed.deposit;
        ensure!(conviction.refunded == refund, "{how}: {conviction:?}");
        ensure!((job.held, job.deposit) == (0, 0));
        scene.lost_the_lock(&assignment).await?;
        scene.check_books().await?;
        let attested = claimed.state.attestation().context("no claim")?;
        let blocks = conviction.convicted_block - attested.attested_block;
        println!("{how}: convicted {blocks} blocks after the attestation");
    }
    Ok(())
}

fn check_grounds(how: &str, grounds: &Grounds) -> Result<()> {
    let expected = match how {
        "flip:0:5" => Grounds::WrongElement {
            operation: 0,
            index: 5,
        },
        "flip:2:190" => Grounds::WrongElement {
            operation: 2,
            index: 190,
        },
        "flip:3:29" => Grounds::WrongElement {
            operation: 3,
            index: 29,
        },
        "wrong-output" => Grounds::WrongOutput {
            output: 0,
            index: 0,
        },
        _ => Grounds::WrongLength {
            blob: "trace".into(),
            length: 202 * u64::from(mizan_tests::scene::BATCH) + 1,
        },
    };
    ensure!(*grounds == expected, "{how}: {grounds:?}");
    Ok(())
}

#[tokio::test]
async fn a_lie_is_found_by_a_drawn_item_and_explained() -> Result<()> {
    let scene = Scene::new().await?;
    let bob = scene.command("//Bob")?;
    let cheaters = scene.cheaters(&["flip:1:70"]).await?;
    let owner = &cheaters.first().context("no cheater")?.owner;
    let job = scene.post(owner).await?;
    scene.held(job).await?;
    let id = job.to_string();
    // Without --submit nothing is sent.
    let found = bob.run(&["job", "verify", &id, "--item", "1"]).await?;
    ensure!(found.code == Some(8), "{found:?}");
    ensure!(found.object["fault"]["operation"] == 1, "{found:?}");
    ensure!(found.object["fault"]["index"] == 70, "{found:?}");
    ensure!(found.object["state"] == "attested", "{found:?}");
    let right = bob.done(&["job", "verify", &id, "--item", "0"]).await?;
    ensure!(right["verdict"] == "right", "{right}");

    let sent = bob.run(&["job", "verify", &id, "--submit"]).await?;
    ensure!(sent.object["state"] == "convicted", "{sent:?}");
    scene.convicted(job).await?;
    let told = bob.done(&["job", "explain", &id]).await?;
    let last = told["history"].as_array().and_then(|notes| notes.last());
    let last = last.context("no history")?;
    ensure!(last["rule"] == "convicted", "{told}");
    ensure!(last["grounds"]["kind"] == "wrong_element", "{told}");
    ensure!(told["outlook"]["rule"] == "convicted", "{told}");
    // A second proof comes too late, and says so.
    let again = bob.run(&["job", "verify", &id, "--submit"]).await?;
    ensure!(again.code == Some(8), "{again:?}");
    ensure!(
        again.object["in_challenge"] == Value::Bool(false),
        "{again:?}"
    );
    let provider = account_of(&owner.provider_key()?).to_string();
    let told = bob.done(&["provider", "explain", &provider]).await?;
    ensure!(told.to_string().contains("\"convicted\""), "{told}");
    Ok(())
}
