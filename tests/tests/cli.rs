//! A trade between people who share nothing but the chain and a blob server, with the command
//! only: every call that a requester, a provider and an owner of a blob server make, and what they
//! are told when something is refused.

#[path = "cli/market.rs"]
mod market;

use anyhow::{ensure, Context, Result};
use market::{address, note, start_worker, write_secret, Market, ASK, OFFER, TOKEN};
use mizan_client::{account_of, keys, units, At};
use mizan_tensor::{execute, Plan};
use mizan_tests::command::Mizan;
use mizan_tests::digits;
use mizan_tests::wait::{until, Deadline};
use serde_json::Value;
use std::path::{Path, PathBuf};

#[tokio::test]
async fn strangers_trade_over_http_and_every_refusal_is_explained() -> Result<()> {
    let mut market = Market::open().await?;
    let key = provider_registers_with_a_key_that_stays_on_its_machine(&market).await?;
    let mut worker = start_worker(&market, &key).await?;
    market.model = model_is_published_listed_and_priced(&market).await?;
    let job = job_is_settled_and_fetched_over_http(&market).await?;
    payment_is_explained(&market, job).await?;
    only_those_with_a_right_upload(&market).await?;
    job_that_nobody_takes_says_why_and_is_cancelled(&market).await?;
    declined_job_counts_as_rejected_units(&market).await?;
    unknown_things_are_named_with_their_exit_codes(&market).await?;
    accounts_have_a_history(&market, job).await?;
    ensure!(worker.stop().await?.success(), "the worker did not stop");
    provider_leaves_with_its_bond(&market, &key).await?;
    auditor_bonds_and_leaves(&market).await?;
    settled_job_is_not_audited_any_more(&market, job).await?;
    let stopped = market.server.process.stop().await?;
    ensure!(stopped.success(), "the blob server ended with {stopped}");
    Ok(())
}

/// The worker's key is made on its machine and only its consent travels. Gives its file.
async fn provider_registers_with_a_key_that_stays_on_its_machine(
    market: &Market,
) -> Result<PathBuf> {
    let (charlie, url) = (&market.charlie, &market.chain.url);
    let provider = address("//Charlie")?;
    charlie.refused(&["provider", "show"], 1, "other").await?;
    charlie
        .done(&["provider", "register", "--bond", "100"])
        .await?;
    charlie.done(&["provider", "bond", "7"]).await?;
    charlie.done(&["provider", "unbond", "2"]).await?;

    let key = market.path("worker.key");
    let file = key.display().to_string();
    let made = charlie.done(&["keys", "new", "--out", &file]).await?;
    let said = charlie
        .refused(&["keys", "new", "--out", &file], 3, "key")
        .await?;
    ensure!(said.contains("never written over"), "{said}");
    let hot = Mizan::with_key_file(url, &key, &market.path("hot"))?;
    let shown = hot.done(&["keys", "show"]).await?;
    ensure!(shown["address"] == made["address"], "{shown}");
    let consent = ["keys", "consent", "--provider", &provider];
    let consent = hot.done(&consent).await?;
    let (worker, consent) = (
        made["address"].as_str().context("no address")?,
        consent["consent"].as_str().context("no consent")?,
    );
    let register = ["provider", "register-worker", "--worker", worker];
    let register = [&register[..], &["--consent", consent, "--ask", "0.5"]].concat();
    let said = market.eve.refused(&register, 4, "refused").await?;
    ensure!(said.starts_with("Providers."), "{said}");
    charlie.done(&register).await?;
    charlie
        .done(&["provider", "ask", ASK, "--worker", worker])
        .await?;

    let shown = charlie.done(&["provider", "show"]).await?;
    let bond = (105 * units::UNIT).to_string();
    ensure!(shown["provider"]["bond"] == *bond, "{shown}");
    ensure!(shown["provider"]["workers"] == 1, "{shown}");
    let workers = ["provider", "workers", &provider];
    let workers = market.eve.done(&workers).await?;
    let listed = &workers["workers"][0];
    ensure!(listed["account"] == worker, "{workers}");
    let ask = units::parse_amount(ASK)?.to_string();
    ensure!(listed["ask"] == *ask, "{workers}");
    ensure!(listed["outlook"]["rule"] == "never_heard", "{workers}");
    Ok(key)
}

/// Gives the model's id.
async fn model_is_published_listed_and_priced(market: &Market) -> Result<String> {
    let folder = digits::model_folder().display().to_string();
    let register = ["model", "register", &folder, "--server", &market.server.url];
    let registered = market.bob.done(&register).await?;
    let model = registered["model"].as_str().context("no model")?.to_owned();

    let listed = market.eve.done(&["model", "list"]).await?;
    ensure!(listed["models"][0]["id"] == *model, "{listed}");
    let cost = ["model", "cost", &model, "--batch"];
    let with = |batch| [&cost[..], &[batch]].concat();
    let priced = market.eve.done(&with("360")).await?;
    ensure!(priced["cost"]["macs"] == "3225600", "{priced}");
    market.eve.refused(&with("0"), 2, "usage").await?;
    let unknown = format!("0x{}", "12".repeat(32));
    let unknown = ["model", "cost", &unknown, "--batch", "1"];
    market.eve.refused(&unknown, 1, "other").await?;
    Ok(model)
}

/// Worker and requester share no folder: all bytes went over the blob server. Gives the job.
async fn job_is_settled_and_fetched_over_http(market: &Market) -> Result<u64> {
    let job = market.post(digits::IMAGES, OFFER, true).await?;
    let id = job.to_string();
    let watch = ["job", "watch", &id, "--timeout", "240"];
    let watched = market.bob.done(&watch).await?;
    ensure!(watched["job"]["state"] == "settled", "{watched}");
    ensure!(watched["job"]["blob_servers"][0] == format!("{}/", market.server.url));

    let model = mizan_digits::load_model(&digits::model_folder())?;
    let parameters: Vec<&[u8]> = model.parameters.iter().map(Vec::as_slice).collect();
    let input = std::fs::read(digits::input_file())?;
    let plan = Plan::new(model.program)?;
    let expected = execute(&plan, &parameters, &[&input], digits::IMAGES)?;

    // Bob's folder of copies never had the output, and a new one has nothing at all.
    let fresh = Mizan::new(&market.chain.url, "//Bob", &market.path("fresh"))?;
    for (user, name) in [(&market.bob, "out"), (&fresh, "out-again")] {
        let out = market.path(name);
        let fetch = ["job", "fetch", &id, "--out", &out.display().to_string()];
        user.done(&fetch).await?;
        let fetched = std::fs::read(out.join("0.bin"))?;
        ensure!(fetched == expected.outputs[0], "the file has other bytes");
    }
    // To Eve the address is a stranger's, and private.
    let out = market.path("eve-out").display().to_string();
    let fetch = ["job", "fetch", &id, "--out", &out];
    let refused = market.eve.run(&fetch).await?;
    ensure!(refused.code != Some(0), "{refused:?}");
    let fetch = [&fetch[..], &["--allow-private-blob-servers"]].concat();
    market.eve.done(&fetch).await?;
    Ok(job)
}

async fn payment_is_explained(market: &Market, job: u64) -> Result<()> {
    let explained = market.explain(job).await?;
    ensure!(explained["state"] == "settled", "{explained}");
    ensure!(explained["outlook"]["rule"] == "paid", "{explained}");
    let view = market.client().job(job, At::Best).await?;
    let view = serde_json::to_value(view.context("the job is gone")?)?;
    let settled = note(&explained, "settled").context("no note of the settlement")?;
    for amount in ["payment", "worker_paid", "burned", "minted"] {
        ensure!(
            settled[amount] == view["settlement"][amount] && settled[amount].is_string(),
            "{amount}: {settled}, {view}"
        );
    }
    for rule in ["posted", "assigned", "attested"] {
        let found = note(&explained, rule).with_context(|| format!("{rule}: {explained}"))?;
        ensure!(
            found["block"].is_u64() && found["meaning"].is_string(),
            "{found}"
        );
    }

    let provider = market.charlie.done(&["provider", "explain"]).await?;
    let units = &provider["units"];
    ensure!(units["claimed_macs"] == "3225600", "{units}");
    ensure!(units["accepted_macs"] == "3225600", "{units}");
    ensure!(units["pending_macs"] == "0", "{units}");
    ensure!(units["rejected_macs"] == "0", "{units}");
    let paid = note(&provider, "settled").context("the provider's payment")?;
    ensure!(paid["job"] == job, "{paid}");
    for part in ["--requester", "--provider"] {
        let account = address(if part == "--requester" {
            "//Bob"
        } else {
            "//Charlie"
        })?;
        let listed = market.eve.done(&["job", "list", part, &account]).await?;
        ensure!(listed["jobs"][0]["id"] == job, "{part}: {listed}");
    }
    Ok(())
}

async fn only_those_with_a_right_upload(market: &Market) -> Result<()> {
    let file = market.path("note.txt");
    std::fs::write(&file, b"a note")?;
    let file = file.display().to_string();
    let put = ["blobs", "put", &file, "--server", &market.server.url];
    let said = market.eve.refused(&put, 4, "refused").await?;
    ensure!(said.contains("not on the server's list"), "{said}");

    let token = market.path("token");
    let (token_file, with_token) = (token.display().to_string(), "--upload-token-file");
    let put = [&put[..], &[with_token, &token_file]].concat();
    write_secret(&token, b"not-the-right-secret")?;
    market.eve.refused(&put, 4, "refused").await?;
    write_secret(&token, TOKEN.as_bytes())?;
    let blob = market.eve.done(&put).await?;
    let hash = blob["blobs"][0]["hash"].as_str().context("no hash")?;

    let got = market.path("got.txt");
    let out = got.display().to_string();
    let get = ["blobs", "get", hash, "--out", &out];
    market.charlie.refused(&get, 7, "blob").await?;
    let get = [&get[..], &["--server", &market.server.url]].concat();
    market.charlie.done(&get).await?;
    ensure!(std::fs::read(&got)? == b"a note", "other bytes");
    let unknown = format!("0x{}", "34".repeat(32));
    let get = ["blobs", "get", &unknown, "--out", &out, "--server"];
    let get = [&get[..], &[&market.server.url]].concat();
    market.charlie.refused(&get, 7, "blob").await?;

    let collected = market
        .charlie
        .done(&["blobs", "gc", "--keep-days", "0"])
        .await?;
    ensure!(collected["blobs"] == 1, "{collected}");
    ensure!(collected["bytes_left"] == 0, "{collected}");
    Ok(())
}

async fn job_that_nobody_takes_says_why_and_is_cancelled(market: &Market) -> Result<()> {
    let job = market.post(2, "0.005", true).await?;
    let id = job.to_string();
    let explained = market.explain(job).await?;
    let outlook = &explained["outlook"];
    ensure!(explained["state"] == "open", "{explained}");
    ensure!(outlook["rule"] == "asks_above_offer", "{explained}");
    let ask = units::parse_amount(ASK)?.to_string();
    ensure!(outlook["lowest_ask"] == *ask, "{explained}");
    let advice = outlook["what_to_do"].as_str().unwrap_or_default();
    ensure!(advice.contains("lowest ask"), "{explained}");
    let open = market.eve.done(&["job", "list", "--open"]).await?;
    ensure!(open["jobs"][0]["id"] == job, "{open}");

    let cancel = ["job", "cancel", &id];
    let said = market.eve.refused(&cancel, 4, "refused").await?;
    ensure!(said.starts_with("Jobs."), "{said}");
    market.bob.done(&cancel).await?;
    market.bob.refused(&cancel, 4, "refused").await?;
    let explained = market.explain(job).await?;
    let ended = note(&explained, "ended").context("no note of the end")?;
    ensure!(ended["reason"] == "cancelled", "{ended}");
    ensure!(explained["outlook"]["rule"] == "refunded", "{explained}");
    let watch = ["job", "watch", &id];
    market.bob.refused(&watch, 6, "unsettled").await?;
    let open = market.eve.done(&["job", "list"]).await?;
    ensure!(open["jobs"] == Value::Array(vec![]), "{open}");
    Ok(())
}

/// The inputs are in Bob's folder only and the job names no server: the worker declines.
async fn declined_job_counts_as_rejected_units(market: &Market) -> Result<()> {
    let job = market.post(3, OFFER, false).await?;
    let declined = until(
        "the worker to decline",
        Deadline::seconds(120),
        async || {
            let explained = market.explain(job).await?;
            Ok(note(&explained, "declined").cloned())
        },
    )
    .await?;
    ensure!(declined["reason"] == "inputs_unavailable", "{declined}");
    let provider = market.charlie.done(&["provider", "explain"]).await?;
    let macs = (3 * 8_960).to_string();
    ensure!(provider["units"]["rejected_macs"] == *macs, "{provider}");
    ensure!(provider["units"]["claimed_macs"] == "3225600", "{provider}");
    // The pages of a history fit together.
    let newest = ["account", "explain", "--limit", "1"];
    let newest = market.charlie.done(&newest).await?;
    ensure!(note(&newest, "declined").is_some(), "{newest}");
    ensure!(note(&newest, "settled").is_none(), "{newest}");
    let before = newest["next"].as_u64().context("no second page")?;
    let older = ["account", "explain", "--before", &before.to_string()];
    let older = market.charlie.done(&older).await?;
    ensure!(note(&older, "settled").is_some(), "{older}");
    let all = ["account", "explain", "--all"];
    let all = market.charlie.done(&all).await?;
    ensure!(all["next"].is_null(), "{all}");
    ensure!(note(&all, "settled").is_some() && note(&all, "declined").is_some());
    let id = job.to_string();
    market.bob.done(&["job", "cancel", &id]).await.map(drop)
}

async fn unknown_things_are_named_with_their_exit_codes(market: &Market) -> Result<()> {
    let eve = &market.eve;
    let ferdie = address("//Ferdie")?;
    for words in [
        &["job", "explain", "999"][..],
        &["job", "watch", "999"],
        &["job", "cancel", "999"],
    ] {
        let said = eve.refused(words, 1, "other").await?;
        ensure!(said.contains("no job 999"), "{words:?}: {said}");
    }
    for command in ["show", "workers", "explain"] {
        let words = ["provider", command, &ferdie];
        let said = eve.refused(&words, 1, "other").await?;
        ensure!(said.contains("is not a provider"), "{command}: {said}");
    }
    let words = ["era", "show", "4000000000"];
    let said = eve.refused(&words, 2, "usage").await?;
    ensure!(said.contains("has not begun"), "{said}");
    let stranger = eve.done(&["account", "explain", &ferdie]).await?;
    ensure!(stranger["units"].is_null(), "{stranger}");
    Ok(())
}

async fn accounts_have_a_history(market: &Market, job: u64) -> Result<()> {
    let ferdie = address("//Ferdie")?;
    let send = ["account", "transfer", "--to", &ferdie, "--amount", "1.5"];
    let sent = market.bob.done(&send).await?;
    for account in [&ferdie, &address("//Bob")?] {
        let history = ["account", "history", account];
        let history = market.eve.done(&history).await?;
        let transfer = &history["transfers"][0];
        ensure!(transfer["to"] == *ferdie, "{history}");
        ensure!(transfer["amount"] == "1500000000000", "{history}");
        ensure!(transfer["block"] == sent["block"], "{history}");
    }
    let history = market.charlie.done(&["account", "history"]).await?;
    let jobs = history["jobs"].as_array().context("no jobs")?;
    let paid = jobs
        .iter()
        .any(|note| note["job"] == job && note["rule"] == "settled");
    ensure!(paid, "{history}");

    let view = market.client().job(job, At::Best).await?;
    let view = serde_json::to_value(view.context("the job is gone")?)?;
    let settled = view["settlement"]["settled_block"].as_u64();
    let length = market.client().timing(At::Best).await?.era_blocks;
    let era = (settled.context("no block")? / u64::from(length)).to_string();
    let era = market.eve.done(&["era", "show", &era]).await?;
    ensure!(era["totals"]["settled_macs"] == "3225600", "{era}");
    let entry = &era["entries"][0];
    ensure!(entry["account"] == address("//Charlie")?, "{era}");
    ensure!(entry["contribution"]["jobs"] == 1, "{era}");
    Ok(())
}

async fn provider_leaves_with_its_bond(market: &Market, key: &Path) -> Result<()> {
    let worker = keys::format_address(&account_of(&keys::load_key_file(key)?));
    let (charlie, exit) = (&market.charlie, ["provider", "exit"]);
    let said = charlie.refused(&exit, 4, "refused").await?;
    ensure!(said.starts_with("Providers."), "{said}");
    let off = ["provider", "deregister-worker", &worker];
    charlie.done(&off).await?;
    let left = charlie.done(&exit).await?;
    ensure!(
        left["returned"] == (105 * units::UNIT).to_string(),
        "{left}"
    );
    charlie.refused(&["provider", "show"], 1, "other").await?;
    charlie
        .refused(&["provider", "bond", "1"], 4, "refused")
        .await
        .map(drop)
}

async fn auditor_bonds_and_leaves(market: &Market) -> Result<()> {
    let bob = &market.bob;
    let said = bob.refused(&["auditor", "show"], 1, "other").await?;
    ensure!(said.contains("is not an auditor"), "{said}");
    let register = |bond| ["auditor", "register", "--bond", bond];
    let said = bob.refused(&register("0.1"), 4, "refused").await?;
    ensure!(said.starts_with("Disputes.AuditorBondTooSmall"), "{said}");
    bob.done(&register("20")).await?;
    bob.done(&["auditor", "bond", "7"]).await?;
    bob.done(&["auditor", "unbond", "2"]).await?;
    let shown = bob.done(&["auditor", "show"]).await?;
    let bond = (25 * units::UNIT).to_string();
    ensure!(shown["auditor"]["bond"] == *bond, "{shown}");
    ensure!(shown["auditor"]["locks"] == 0, "{shown}");
    ensure!(shown["contribution"]["lifetime"]["audits"] == 0, "{shown}");
    let explained = bob.done(&["account", "explain"]).await?;
    ensure!(explained["auditor"]["bond"] == *bond, "{explained}");
    let left = bob.done(&["auditor", "exit"]).await?;
    ensure!(left["returned"] == *bond, "{left}");
    Ok(())
}

async fn settled_job_is_not_audited_any_more(market: &Market, job: u64) -> Result<()> {
    let id = job.to_string();
    let words = ["job", "audit", &id];
    let said = market.bob.refused(&words, 4, "refused").await?;
    ensure!(said.starts_with("Disputes."), "{said}");
    let said = market.bob.refused(&["job", "audit", "999"], 1, "other");
    ensure!(said.await?.contains("no job 999"));
    Ok(())
}
