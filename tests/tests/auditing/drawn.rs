//! Honest auditors, alone with right and wrong results.

use anyhow::{ensure, Context, Result};
use futures::future::try_join_all;
use mizan_client::audits;
use mizan_client::disputes::Grounds;
use mizan_client::runtime::disputes::events::ReceiptDemanded;
use mizan_client::views::{AuditOutcome, Settlement};
use mizan_client::{account_of, keys, AccountId, At};
use mizan_tests::auditors::{told, Auditor, AUDITOR_BOND};
use mizan_tests::books::fees_of;
use mizan_tests::scene::{Chances, Cheater, Scene, BATCH, REQUESTER};

/// Wrong from the first operation on, wrong in one number alone, hidden, and of other images.
const LIES: [&str; 4] = ["flip:0:5", "flip:3:29", "vanish", "copy"];
/// Any byte of what a receipt is made of: three items of 64 bytes of input and 202 of trace.
const RECEIPT_BYTE: u64 = 500;

/// What auditors have at a block, and how often their verdicts counted.
struct Standing {
    block: u32,
    total: u128,
    audits: u64,
}

impl Standing {
    async fn of(scene: &Scene, auditors: &[Auditor]) -> Result<Self> {
        let client = scene.client();
        let block = client.at(At::Best).await?;
        let at = At::Hash(block.block_hash().0);
        let (mut total, mut audits) = (0, 0);
        for auditor in auditors {
            total += client.balance(&auditor.account, at).await?.total;
            let ledger = client.lifetime(&auditor.account, at).await?;
            ensure!((ledger.jobs, ledger.convictions) == (0, 0), "{ledger:?}");
            audits += ledger.audits;
        }
        Ok(Self {
            block: block.block_number().try_into()?,
            total,
            audits,
        })
    }
}

#[tokio::test]
async fn auditors_alone_tell_right_results_from_wrong_ones_and_are_paid() -> Result<()> {
    let scene = Scene::audited(Chances::ONCE).await?;
    let names = ["first", "second"].map(|name| scene.bondholder(name));
    let (mut auditors, (owner, _worker), cheaters) =
        tokio::try_join!(try_join_all(names), scene.worker(2), scene.cheaters(&LIES))?;
    try_join_all(auditors.iter_mut().map(|auditor| scene.audits(auditor))).await?;
    let before = Standing::of(&scene, &auditors).await?;
    let accounts = [auditors[0].account, auditors[1].account];
    let lies = cheaters
        .into_iter()
        .map(|cheater| tell(&scene, cheater, &accounts));
    let (right, ordered, rewards) = tokio::try_join!(
        async { right_passes(&scene, scene.post(&owner).await?, &accounts).await },
        async { order_is_paid(&scene, scene.post(&owner).await?, &accounts).await },
        try_join_all(lies),
    )?;

    let mut after = Standing::of(&scene, &auditors).await?;
    for account in &accounts {
        // Verdicts and proofs that convict are free; demands are not.
        let blocks = before.block + 1..=after.block;
        after.total += fees_of(scene.client(), account, blocks).await?;
    }
    let paid = right + ordered + rewards.iter().sum::<u128>();
    let gained = after.total - before.total;
    ensure!(gained == paid, "{gained} instead of {paid}");
    ensure!(after.audits - before.audits == 3, "{}", after.audits);
    for auditor in &mut auditors {
        let left = scene.dismiss(auditor).await?;
        ensure!(left == AUDITOR_BOND, "{}: {left}", auditor.name);
    }
    scene.check_books().await
}

/// A right result is audited, passes, and its auditor has its share. Gives that.
async fn right_passes(scene: &Scene, job: u64, auditors: &[AccountId; 2]) -> Result<u128> {
    let (_, settlement) = scene.settled(job).await?;
    let Settlement { auditors_paid, .. } = settlement;
    scene
        .check_shares(&settlement, 1, AuditOutcome::Passed)
        .await?;
    let notes = scene.audit_notes(job).await?;
    let drawn = notes.first().and_then(|note| note.auditor);
    let drawn = drawn.context("nobody was drawn")?;
    ensure!(auditors.contains(&drawn), "{notes:?}");
    let expected = [("auditor_drawn", drawn), ("audit_passed", drawn)];
    ensure!(told(&notes) == expected, "{notes:?}");
    let economics = scene.client().economics(At::Best).await?;
    ensure!(auditors_paid > 0 && economics.auditor_share == 50_000_000);
    let blocks = notes[1].block - notes[0].block;
    println!("right: passed {blocks} blocks after the draw, the auditor got {auditors_paid}");
    Ok(auditors_paid)
}

/// The requester orders an audit of the whole job, which somebody else does, and pays for it. And a
/// stranger wants to see a receipt, and is shown it. Gives what auditors got for all that.
async fn order_is_paid(scene: &Scene, job: u64, auditors: &[AccountId; 2]) -> Result<u128> {
    let claimed = scene.claimed(job).await?;
    let payment = claimed.state.assignment().context("no worker")?.payment;
    let id = job.to_string();
    let requester = scene.command(REQUESTER)?;
    let ordered = requester.done(&["job", "audit", &id, "--full"]).await?;
    let economics = scene.client().economics(At::Best).await?;
    let share = payment * u128::from(economics.full_audit_share);
    let price = share.div_ceil(1_000_000_000);
    ensure!(ordered["price"] == price.to_string(), "{ordered}");

    scene.passed(job, 1).await?;
    let eve = keys::parse_key("//Eve")?;
    let demand = audits::demand_receipt(job, 0, RECEIPT_BYTE);
    let included = scene.client().submit(&demand, &eve).await?;
    let demanded = included.events.find_first::<ReceiptDemanded>();
    let deposit = demanded.context("no receipt was demanded")??.deposit;
    let (_, settlement) = scene.settled(job).await?;
    let eve = scene.client().balance(&account_of(&eve), At::Best).await?;
    ensure!(eve.held.iter().all(|(_, held)| *held == 0), "{eve:?}");

    scene
        .check_shares(&settlement, 2, AuditOutcome::Passed)
        .await?;
    let notes = scene.audit_notes(job).await?;
    let passed: Vec<AccountId> = told(&notes)
        .into_iter()
        .filter_map(|(rule, auditor)| (rule == "audit_passed").then_some(auditor))
        .collect();
    let both = passed.len() == 2 && auditors.iter().all(|auditor| passed.contains(auditor));
    ensure!(both, "{notes:?}");
    let requester = account_of(&keys::parse_key(REQUESTER)?);
    let requester = scene.client().balance(&requester, At::Best).await?;
    let held = requester.held_for("disputes.audit_order");
    ensure!(held == 0, "{requester:?}");
    println!("ordered: {price} for the full audit, half of {deposit} for an opened receipt");
    Ok(settlement.auditors_paid + price + deposit / 2)
}

/// A wrong result that nobody but its auditor looks at. Gives what the auditor got for it.
async fn tell(scene: &Scene, cheater: Cheater, auditors: &[AccountId; 2]) -> Result<u128> {
    let how = cheater.how;
    // The result over the first images is known: who copies it has others, and what is hidden must
    // be what nobody else has published.
    let first = match how {
        "copy" => BATCH as usize,
        "vanish" => 2 * BATCH as usize,
        _ => 0,
    };
    let job = scene.post_by(REQUESTER, &cheater.owner, first).await?;
    let claimed = scene.claimed(job).await?;
    let (_, assignment, conviction) = scene.convicted(job).await?;
    let notes = scene.audit_notes(job).await?;
    let [("auditor_drawn", drawn)] = told(&notes)[..] else {
        anyhow::bail!("{how}: {notes:?}");
    };
    ensure!(auditors.contains(&drawn), "{how}: {notes:?}");
    let right_grounds = match how {
        "flip:0:5" => conviction.grounds == wrong(0, 5),
        "flip:3:29" => conviction.grounds == wrong(3, 29),
        "copy" => matches!(conviction.grounds, Grounds::WrongElement { .. }),
        _ => matches!(conviction.grounds, Grounds::Unanswered { .. }),
    };
    ensure!(right_grounds, "{how}: {conviction:?}");
    // Silence convicts by itself: nobody wins anything by it.
    let (challenger, share) = match how {
        "vanish" => (None, 0),
        _ => (Some(drawn), assignment.lock / 5),
    };
    ensure!(conviction.challenger == challenger, "{how}: {conviction:?}");
    ensure!(conviction.rewarded == share, "{how}: {conviction:?}");
    let burned = assignment.lock - share;
    ensure!(conviction.burned == burned, "{how}: {conviction:?}");
    let refund = claimed.held + claimed.deposit;
    ensure!(conviction.refunded == refund, "{how}: {conviction:?}");
    scene.lost_the_lock(&assignment).await?;
    let attested = claimed.state.attestation().context("no claim")?;
    let blocks = conviction.convicted_block - attested.attested_block;
    println!("{how}: convicted {blocks} blocks after the attestation, the auditor got {share}");
    Ok(share)
}

fn wrong(operation: u16, index: u64) -> Grounds {
    Grounds::WrongElement { operation, index }
}
