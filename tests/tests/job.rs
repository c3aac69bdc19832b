//! The whole road once, and that the books are right to the last unit.

use anyhow::{bail, ensure, Context, Result};
use mizan_client::views::{AccountBalance, Economics, JobState, JobView};
use mizan_client::{account_of, hex_hash, keys, AccountId, At, Client};
use mizan_tensor::{execute, Commitment, Plan};
use mizan_tests::books::{self, Supply};
use mizan_tests::command::Mizan;
use mizan_tests::workers::{heard, run_command, Owner, Worker, ASK};
use mizan_tests::{chain::Chain, digits, wait::Deadline};
use serde_json::Value;
use std::path::Path;

/// Multiply-accumulates of one image: `64 x 64 + 64 x 64 + 2 x 64 + 64 x 10`.
const IMAGE_MACS: u128 = 8_960;
/// Images that the committed model names right; its own tests say the same.
const RIGHT: usize = 349;
/// What the development accounts start with: six times a million.
const GENESIS: u128 = 6_000_000 * mizan_client::units::UNIT;

#[tokio::test]
async fn job_is_posted_computed_settled_and_paid() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let chain = Chain::start(folder.path(), true).await?;
    let client = &chain.client;
    let blobs = folder.path().join("blobs");
    let bob = Mizan::new(&chain.url, "//Bob", &blobs)?;
    let owners = ["//Charlie", "//Dave"].map(Owner::alone);
    let mut workers = Vec::new();
    for (name, owner) in ["worker-1", "worker-2"].into_iter().zip(&owners) {
        owner.register(client).await?;
        workers.push(Worker::start(
            name,
            owner,
            &chain.url,
            &blobs,
            folder.path(),
            true,
        )?);
    }
    for owner in &owners {
        heard(client, owner, Deadline::seconds(60)).await?;
    }

    let before = Books::of(client, At::Best).await?;
    let model = register(&bob).await?;
    let id = post(&bob, &model).await?;
    let watched = bob.done(&["job", "watch", &id, "--timeout", "120"]).await?;
    ensure!(watched["job"]["state"] == "settled", "{watched}");
    let after = Books::of(client, At::Finalized).await?;

    let job = client
        .job(id.parse()?, At::Finalized)
        .await?
        .context("the job is gone")?;
    check_blocks(client, &job, watched["final_block"].as_u64()).await?;
    check_money(client, &job, &before, &after).await?;
    check_ledger(client, &job).await?;
    check_result(&bob, &chain.url, &job, folder.path()).await?;
    check_bench(client, &chain.url, &job).await?;
    for worker in &mut workers {
        let status = worker.process.stop().await?;
        ensure!(
            status.code() == Some(0),
            "{status}\n{}",
            worker.process.tail()?
        );
    }
    Ok(())
}

/// What a provider's machine earns is what this job earned, scaled to an hour of it.
async fn check_bench(client: &Client, url: &str, job: &JobView) -> Result<()> {
    let words = [
        "bench",
        "--json",
        "--device",
        "cpu",
        "--key",
        "//Charlie",
        "--url",
        url,
    ];
    let measured = run_command(&words).await?;
    ensure!(measured.code == Some(0), "{measured:?}");
    let measured = measured.object()?;
    let number = |value: &Value| -> Result<u128> {
        Ok(value.as_str().context("no number in text")?.parse()?)
    };
    let speed = number(&measured["macs_per_second"])?;
    ensure!(speed > 0, "{measured}");

    let economics = client.economics(At::Best).await?;
    let JobState::Settled { settlement, .. } = &job.state else {
        bail!("{:?}", job.state);
    };
    let earnings = &measured["earnings"];
    ensure!(earnings["settled_jobs"] == 1, "{earnings}");
    let by_size = settlement.payment - economics.flat_price;
    let price = by_size * 1_000_000_000 / job.macs;
    ensure!(
        number(&earnings["at_median_paid"]["price"])? == price,
        "{earnings}"
    );
    // The auditor's draw decides whether anything was minted; the estimate says that it was.
    let share_minted = u128::from(economics.burn_share) * u128::from(economics.mint_ratio);
    let share_minted = share_minted / 1_000_000_000;
    let received = settlement.worker_paid + settlement.payment * share_minted / 1_000_000_000;
    let expected = 3_600.0 * speed as f64 / job.macs as f64
        * by_size as f64
        * (received as f64 / settlement.payment as f64);
    let said = number(&earnings["at_median_paid"]["an_hour"])? as f64;
    ensure!(
        (said / expected - 1.0).abs() < 1e-3,
        "{said} instead of {expected}"
    );
    ensure!(number(&earnings["at_ask"]["price"])? == ASK, "{earnings}");
    ensure!(number(&earnings["bond_backs_an_hour"])? > 0, "{earnings}");
    Ok(())
}

/// Registers the model, twice: the second time changes nothing.
async fn register(bob: &Mizan) -> Result<String> {
    let folder = digits::model_folder().display().to_string();
    let first = bob.done(&["model", "register", &folder]).await?;
    ensure!(first["registered_before"] == false, "{first}");
    let second = bob.done(&["model", "register", &folder]).await?;
    ensure!(second["registered_before"] == true, "{second}");
    ensure!(second["model"] == first["model"], "{second}");
    let model = first["model"].as_str().context("no model")?;
    let shown = bob.done(&["model", "show", model]).await?;
    ensure!(shown["model"]["cost"]["item_macs"] == 8_960, "{shown}");
    Ok(model.to_owned())
}

async fn post(bob: &Mizan, model: &str) -> Result<String> {
    let input = digits::input_file().display().to_string();
    let batch = digits::IMAGES.to_string();
    let words = [
        "job", "post", "--model", model, "--input", &input, "--batch", &batch,
    ];
    let posted = bob
        .done(&[&words[..], &["--price", "0.02"]].concat())
        .await?;
    ensure!(posted["job"] == 0, "{posted}");
    Ok(posted["job"].to_string())
}

/// What everybody has at one block.
struct Books {
    number: u32,
    bob: AccountBalance,
    providers: [(AccountId, AccountBalance); 2],
    supply: Supply,
}

impl Books {
    async fn of(client: &Client, at: At) -> Result<Self> {
        let block = client.at(at).await?;
        let at = At::Hash(block.block_hash().0);
        let [bob, charlie, dave] = ["//Bob", "//Charlie", "//Dave"].map(account);
        let (charlie, dave) = (charlie?, dave?);
        Ok(Self {
            number: block.block_number().try_into()?,
            bob: client.balance(&bob?, at).await?,
            providers: [
                (charlie, client.balance(&charlie, at).await?),
                (dave, client.balance(&dave, at).await?),
            ],
            supply: Supply::at(client, at).await?,
        })
    }
}

fn account(secret: &str) -> Result<AccountId> {
    Ok(account_of(&keys::parse_key(secret)?))
}

/// A share in billionths, rounded down.
fn share(of: u128, billionths: u32) -> u128 {
    of * u128::from(billionths) / 1_000_000_000
}

/// Each state came in its time, and the settlement is final.
async fn check_blocks(client: &Client, job: &JobView, final_block: Option<u64>) -> Result<()> {
    let JobState::Settled {
        assignment,
        attestation,
        settlement,
    } = &job.state
    else {
        anyhow::bail!("the job is {}", job.state);
    };
    let timing = client.timing(At::Best).await?;
    ensure!(timing.challenge_blocks == 4, "not the development preset");
    ensure!(assignment.assigned_block < attestation.attested_block);
    ensure!(attestation.attested_block <= assignment.attest_by_block);
    let challenged = attestation.attested_block + timing.challenge_blocks;
    ensure!(
        attestation.settles_block == challenged + 1,
        "not right after the challenge period"
    );
    ensure!(
        settlement.settled_block == attestation.settles_block,
        "settled late"
    );
    ensure!(
        final_block >= Some(settlement.settled_block.into()),
        "{final_block:?}"
    );
    Ok(())
}

/// Every account has exactly what the economics record says, and the supply is what it was plus
/// what was minted, less what was burned.
async fn check_money(client: &Client, job: &JobView, before: &Books, after: &Books) -> Result<()> {
    let JobState::Settled {
        assignment,
        settlement,
        ..
    } = &job.state
    else {
        anyhow::bail!("the job is {}", job.state);
    };
    let economics: Economics = client.economics(At::Best).await?;
    let macs = IMAGE_MACS * u128::from(digits::IMAGES);
    let payment = (ASK * macs).div_ceil(1_000_000_000) + economics.flat_price;
    let worker_paid = share(payment, economics.worker_share);
    let minted = share(share(payment, economics.burn_share), economics.mint_ratio);
    ensure!(job.macs == macs, "the job has {} MACs", job.macs);
    ensure!(settlement.payment == payment, "{settlement:?}");
    ensure!(settlement.worker_paid == worker_paid, "{settlement:?}");
    ensure!(settlement.burned == payment - worker_paid, "{settlement:?}");
    ensure!(settlement.minted == minted, "{settlement:?}");

    let blocks = before.number + 1..=after.number;
    let fees = books::fees_of(client, &account("//Bob")?, blocks.clone()).await?;
    ensure!(fees > 0, "posting and registering cost fees");
    ensure!(
        after.bob.total == before.bob.total - payment - fees,
        "{:?}",
        after.bob
    );
    ensure!(after.bob.held_for("jobs.payment") == 0, "{:?}", after.bob);
    ensure!(after.bob.held_for("jobs.deposit") == 0, "{:?}", after.bob);
    for ((provider, before), (_, after)) in before.providers.iter().zip(&after.providers) {
        let fees = books::fees_of(client, provider, blocks.clone()).await?;
        ensure!(fees == 0, "working is free of fees");
        let earned = if *provider == assignment.provider {
            worker_paid + minted
        } else {
            0
        };
        ensure!(
            after.total == before.total + earned,
            "{provider} has {after:?}"
        );
    }
    ensure!(
        before.supply.minted == 0 && before.supply.burned == 0,
        "{:?}",
        before.supply
    );
    let expected = Supply {
        issuance: GENESIS + minted - settlement.burned,
        genesis: GENESIS,
        minted,
        burned: settlement.burned,
    };
    ensure!(
        after.supply == expected,
        "{:?}, expected {expected:?}",
        after.supply
    );
    ensure!(after.supply.balances());
    Ok(())
}

/// The contribution is recorded in its era and for ever, for the provider that did the work only.
async fn check_ledger(client: &Client, job: &JobView) -> Result<()> {
    let JobState::Settled {
        assignment,
        settlement,
        ..
    } = &job.state
    else {
        anyhow::bail!("the job is {}", job.state);
    };
    let era = settlement.settled_block / client.timing(At::Best).await?.era_blocks;
    for secret in ["//Charlie", "//Dave"] {
        let provider = account(secret)?;
        let entry = client.lifetime(&provider, At::Finalized).await?;
        ensure!(entry == client.era_entry(era, &provider, At::Finalized).await?);
        if provider == assignment.provider {
            ensure!(entry.settled_macs == job.macs, "{entry:?}");
            ensure!(entry.directed_macs == 0 && entry.jobs == 1, "{entry:?}");
            ensure!(entry.burned == settlement.burned, "{entry:?}");
        } else {
            ensure!(entry == Default::default(), "{entry:?}");
        }
        let provider = client
            .provider(&provider, At::Finalized)
            .await?
            .context("no provider")?;
        ensure!(provider.locks == 0 && provider.locked == 0, "{provider:?}");
    }
    Ok(())
}

/// The worker attested what the normative function gives, and the digits are right.
async fn check_result(bob: &Mizan, url: &str, job: &JobView, folder: &Path) -> Result<()> {
    let model = mizan_digits::load_model(&digits::model_folder())?;
    let parameters: Vec<&[u8]> = model.parameters.iter().map(Vec::as_slice).collect();
    let input = std::fs::read(digits::input_file())?;
    let expected = execute(
        &Plan::new(model.program)?,
        &parameters,
        &[&input],
        digits::IMAGES,
    )?;
    let commitment = Commitment::to(&expected);
    let attestation = job.state.attestation().context("no attestation")?;
    ensure!(attestation.outputs == commitment.outputs, "{attestation:?}");
    ensure!(attestation.trace == commitment.trace, "{attestation:?}");

    let out = folder.join("outputs");
    let words = [
        "job",
        "fetch",
        &job.id.to_string(),
        "--out",
        &out.display().to_string(),
    ];
    let fetched = bob.done(&words).await?;
    ensure!(
        fetched["outputs"][0]["hash"] == hex_hash(&commitment.outputs[0]),
        "{fetched}"
    );
    let file = out.join("0.bin");
    ensure!(
        std::fs::read(&file)? == expected.outputs[0],
        "the file has other bytes"
    );
    let empty = Mizan::new(url, "//Bob", &folder.join("empty"))?
        .run(&words)
        .await?;
    ensure!(
        empty.code == Some(7) && empty.object["error"]["kind"] == "blob",
        "{empty:?}"
    );
    let (right, float) = (digits::right_in(&file)?, digits::right_in_floating_point()?);
    ensure!(right == RIGHT, "{right} images are right");
    ensure!(
        right.abs_diff(float) * 100 <= 360,
        "{float} are right in floating point"
    );
    Ok(())
}
