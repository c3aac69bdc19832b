//! Auditors that say nothing.

use anyhow::{ensure, Result};
use futures::future::try_join_all;
use mizan_client::audits::AuditView;
use mizan_client::views::AuditOutcome;
use mizan_client::AccountId;
use mizan_tests::auditors::{told, AuditNote, Auditor, AUDITOR_BOND};
use mizan_tests::scene::{Chances, Scene};

/// Two results. The first auditor of both says nothing; then an honest one is drawn for one of
/// them and silent ones for the other: each would be its own requester there.
#[tokio::test]
async fn silent_auditors_lose_a_tenth_and_three_of_them_cost_the_reward() -> Result<()> {
    let scene = Scene::audited(Chances::ONCE).await?;
    let names = ["silent-1", "silent-2", "silent-3", "honest-auditor"];
    let holders = try_join_all(names.map(|name| scene.bondholder(name)));
    let (holders, (owner, _worker)) = tokio::try_join!(holders, scene.worker(2))?;
    let Ok([mut first, mut second, mut third, mut honest]) = <[Auditor; 4]>::try_from(holders)
    else {
        anyhow::bail!("there are four");
    };
    scene.cheats(&mut first, SILENT).await?;
    let (mended, missed) = tokio::try_join!(
        scene.post_by(&second.secret, &owner, 0),
        scene.post_by(&honest.secret, &owner, 0),
    )?;
    scene.drawn(mended, &first).await?;
    scene.drawn(missed, &first).await?;
    first.said(&format!("says nothing of job={missed}")).await?;
    tokio::try_join!(scene.audits(&mut honest), scene.cheats(&mut second, SILENT))?;
    for job in [mended, missed] {
        let one = |audit: &AuditView| (audit.misses >= 1).then_some(());
        scene.audit_is(job, "a miss", one).await?;
    }
    // Whoever is gone leaves the next draw to others.
    leave(&scene, &mut first, &[mended, missed]).await?;

    scene.drawn(missed, &second).await?;
    scene.cheats(&mut third, SILENT).await?;
    heard_of(&scene, mended, &first, &mut honest).await?;
    let two = |audit: &AuditView| (audit.misses >= 2).then_some(());
    scene.audit_is(missed, "a second miss", two).await?;
    leave(&scene, &mut second, &[missed]).await?;

    let (_, settlement) = scene.settled(missed).await?;
    scene
        .check_shares(&settlement, 0, AuditOutcome::Unaudited)
        .await?;
    let notes = scene.audit_notes(missed).await?;
    let silent = [&first, &second, &third].map(|auditor| auditor.account);
    let expected = silent.map(missing).concat();
    ensure!(told(&notes) == expected, "{notes:?}");
    leave(&scene, &mut third, &[missed]).await?;
    let blocks = settlement.settled_block - notes[0].block;
    println!("silent: settled unaudited {blocks} blocks after the first draw");
    scene.check_books().await
}

const SILENT: &str = "auditor:silent";

fn missing(auditor: AccountId) -> Vec<(&'static str, AccountId)> {
    vec![("auditor_drawn", auditor), ("audit_missed", auditor)]
}

/// An honest auditor is drawn after a silent one: the job passes, and the honest one leaves with
/// its bond.
async fn heard_of(scene: &Scene, job: u64, silent: &Auditor, honest: &mut Auditor) -> Result<()> {
    let (_, settlement) = scene.settled(job).await?;
    scene
        .check_shares(&settlement, 1, AuditOutcome::Passed)
        .await?;
    let notes = scene.audit_notes(job).await?;
    let mut expected = missing(silent.account);
    expected.extend([
        ("auditor_drawn", honest.account),
        ("audit_passed", honest.account),
    ]);
    ensure!(told(&notes) == expected, "{notes:?}");
    let left = scene.dismiss(honest).await?;
    ensure!(left == AUDITOR_BOND, "{left}");
    let blocks = settlement.settled_block - notes[0].block;
    println!("silent, then honest: settled {blocks} blocks after the first draw");
    Ok(())
}

/// An auditor leaves with its bond, less a tenth of its lock for each of the jobs.
async fn leave(scene: &Scene, auditor: &mut Auditor, jobs: &[u64]) -> Result<()> {
    let mut lost = 0;
    for job in jobs {
        let notes = scene.audit_notes(*job).await?;
        let of_auditor = |rule| {
            let mut notes = notes.iter();
            let found = move |note: &&AuditNote| note.rule == rule;
            let account = auditor.account;
            notes.find(move |note| note.auditor == Some(account) && found(note))
        };
        let (drawn, missed) = (of_auditor("auditor_drawn"), of_auditor("audit_missed"));
        let (Some(drawn), Some(missed)) = (drawn, missed) else {
            anyhow::bail!("{}: {notes:?}", auditor.name);
        };
        ensure!(missed.burned == drawn.lock / 10, "{notes:?}");
        lost += missed.burned;
    }
    let left = scene.dismiss(auditor).await?;
    ensure!(left == AUDITOR_BOND - lost, "{}: {left}", auditor.name);
    Ok(())
}
