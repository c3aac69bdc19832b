//! Auditors that pass what they should not, and whoever looks again.

use anyhow::{ensure, Context, Result};
use mizan_client::disputes::Grounds;
use mizan_client::views::AuditOutcome;
use mizan_client::{AccountId, At};
use mizan_tests::auditors::{told, Auditor, AUDITOR_BOND};
use mizan_tests::books::{fees_of, Supply};
use mizan_tests::scene::{Chances, Scene};
use mizan_tests::workers::Owner;

/// The auditors: one passes without a look, one passes whatever it sees, one looks again.
struct Auditors {
    blind: Auditor,
    bribed: Auditor,
    honest: Auditor,
}

impl Auditors {
    /// The two that cheat are registered.
    async fn on(scene: &Scene) -> Result<Self> {
        let (mut blind, mut bribed, honest) = tokio::try_join!(
            scene.bondholder("blind"),
            scene.bondholder("bribed"),
            scene.bondholder("honest-auditor"),
        )?;
        tokio::try_join!(
            scene.cheats(&mut blind, "auditor:blind"),
            scene.cheats(&mut bribed, "auditor:bribed"),
        )?;
        Ok(Self {
            blind,
            bribed,
            honest,
        })
    }
}

/// Each result has a first auditor: the other's would be its own requester. Then an honest one is
/// drawn for both.
#[tokio::test]
async fn auditors_who_pass_unseen_or_wrong_numbers_lose_their_locks() -> Result<()> {
    let scene = Scene::audited(Chances::AGAIN).await?;
    let (mut auditors, (owner, _worker), cheaters) = tokio::try_join!(
        Auditors::on(&scene),
        scene.worker(1),
        scene.cheaters(&["spoil:0"]),
    )?;
    let liar = &cheaters.first().context("no liar")?.owner;
    let (right, wrong) = tokio::try_join!(
        scene.post_by(&auditors.bribed.secret, &owner, 0),
        scene.post_by(&auditors.blind.secret, liar, 0),
    )?;
    // Once the honest one is registered it could be the first.
    scene.drawn(right, &auditors.blind).await?;
    scene.drawn(wrong, &auditors.bribed).await?;
    let start = scene.client().best_number().await?;
    let before = scene.total(&auditors.honest.account).await?;
    scene.audits(&mut auditors.honest).await?;

    let (for_right, for_wrong) = tokio::try_join!(
        unseen(&scene, right, &auditors),
        bribe(&scene, wrong, liar, &auditors),
    )?;
    let Auditors {
        blind,
        bribed,
        honest,
    } = &mut auditors;
    let end = scene.client().best_number().await?;
    let fees = fees_of(scene.client(), &honest.account, start + 1..=end).await?;
    let gained = scene.total(&honest.account).await? + fees - before;
    ensure!(gained == for_right + for_wrong, "{gained}");
    let lost = [
        lock_of(&scene, right).await?,
        lock_of(&scene, wrong).await?,
        0,
    ];
    for (auditor, lost) in [blind, bribed, honest].into_iter().zip(lost) {
        let left = scene.dismiss(auditor).await?;
        ensure!(left == AUDITOR_BOND - lost, "{}: {left}", auditor.name);
    }
    scene.check_books().await
}

/// The first auditor's lock behind its verdict.
async fn lock_of(scene: &Scene, job: u64) -> Result<u128> {
    let notes = scene.audit_notes(job).await?;
    let drawn = notes.iter().find(|note| note.rule == "auditor_drawn");
    Ok(drawn.context("nobody was drawn")?.lock)
}

/// A receipt of nothing is found false and demanded, its auditor can't open it, and the job is paid
/// all the same. Gives what the honest auditor got.
async fn unseen(scene: &Scene, job: u64, auditors: &Auditors) -> Result<u128> {
    let (blind, honest) = (auditors.blind.account, auditors.honest.account);
    let (_, settlement) = scene.settled(job).await?;
    let notes = scene.audit_notes(job).await?;
    ensure!(
        told(&notes) == looked_again(blind, honest, true),
        "{notes:?}"
    );
    let slashed = notes.iter().find(|note| note.rule == "auditor_slashed");
    let slashed = slashed.context("it was not slashed")?;
    ensure!(slashed.burned == lock_of(scene, job).await?, "{notes:?}");
    // Every pass is looked at again here, and nobody is left to look at the last one: that is three
    // misses.
    scene
        .check_shares(&settlement, 1, AuditOutcome::Unaudited)
        .await?;
    let again = notes.iter().rev().find(|note| note.rule == "audit_passed");
    let blocks = slashed.block - again.context("no pass")?.block;
    println!("blind: slashed {blocks} blocks after the honest verdict");
    Ok(settlement.auditors_paid)
}

/// A wrong number that was passed is proved wrong by whoever looks again: worker and auditor lose
/// their locks. Gives what the honest auditor got.
async fn bribe(scene: &Scene, job: u64, liar: &Owner, auditors: &Auditors) -> Result<u128> {
    let (bribed, honest) = (auditors.bribed.account, auditors.honest.account);
    let claimed = scene.claimed(job).await?;
    let (_, assignment, conviction) = scene.convicted(job).await?;
    ensure!(conviction.challenger == Some(honest), "{conviction:?}");
    let wrong = Grounds::WrongElement {
        operation: 0,
        index: match conviction.grounds {
            Grounds::WrongElement { index, .. } => index,
            _ => 0,
        },
    };
    ensure!(conviction.grounds == wrong, "{conviction:?}");
    ensure!(conviction.rewarded == assignment.lock / 5, "{conviction:?}");
    let refund = claimed.held + claimed.deposit;
    ensure!(conviction.refunded == refund, "{conviction:?}");
    let notes = scene.audit_notes(job).await?;
    ensure!(
        told(&notes) == looked_again(bribed, honest, false),
        "{notes:?}"
    );
    let slashed = notes.last().map(|note| note.burned);
    ensure!(slashed == Some(lock_of(scene, job).await?), "{notes:?}");
    ensure!(liar.worker == liar.provider);
    scene.lost_the_lock(&assignment).await?;
    let at = scene
        .client()
        .block_hash(conviction.convicted_block)
        .await?;
    let at = At::Hash(at.context("no block")?);
    ensure!(Supply::at(scene.client(), at).await?.balances());
    let attested = claimed.state.attestation().context("no claim")?;
    let blocks = conviction.convicted_block - attested.attested_block;
    println!("bribed: convicted and slashed {blocks} blocks after the attestation");
    Ok(conviction.rewarded)
}

/// A first auditor passed the job, another looked at it again, and the first lost its lock.
fn looked_again(
    first: AccountId,
    second: AccountId,
    passed: bool,
) -> Vec<(&'static str, AccountId)> {
    let mut told = vec![
        ("auditor_drawn", first),
        ("audit_passed", first),
        ("auditor_drawn", second),
    ];
    if passed {
        told.push(("audit_passed", second));
    }
    told.push(("auditor_slashed", first));
    told
}
