//! The methods `mizan_*`: every line of docs/rpc.md, and every error that it names.

use anyhow::{ensure, Context, Result};
use mizan_client::blobs::{BlobStore, LocalBlobStore};
use mizan_client::subxt::rpcs::{client::rpc_params, RpcClient};
use mizan_client::{account_of, hex_hash, Hash};
use mizan_tests::workers::{heard, Owner, Worker};
use mizan_tests::{chain::Chain, jobs, wait::Deadline};
use serde_json::{json, Value};
use std::path::Path;

const MANUAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/rpc.md");

/// Posts a request as curl does and gives the answer.
async fn post(url: &str, request: &Value) -> Result<Value> {
    let answer = reqwest::Client::new()
        .post(url.replace("ws://", "http://"))
        .header("Content-Type", "application/json")
        .body(request.to_string())
        .send()
        .await?;
    Ok(serde_json::from_str(&answer.text().await?)?)
}

async fn call(url: &str, method: &str, params: Value) -> Result<Value> {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    post(url, &request).await
}

async fn result(url: &str, method: &str, params: Value) -> Result<Value> {
    let answer = call(url, method, params).await?;
    answer
        .get("result")
        .cloned()
        .with_context(|| format!("{method}: {answer}"))
}

/// The requests of the manual's curl lines.
fn documented(job: u64, model: &Hash, account: &str) -> Result<Vec<Value>> {
    let manual = std::fs::read_to_string(Path::new(MANUAL))?;
    let mut requests = Vec::new();
    for line in manual.lines().filter(|line| line.starts_with("curl ")) {
        let body = line
            .split("-d '")
            .nth(1)
            .and_then(|rest| rest.split('\'').next());
        let body = body.with_context(|| format!("no body: {line}"))?;
        let body = body
            .replace("$JOB", &job.to_string())
            .replace("$MODEL", &hex_hash(model))
            .replace("$ACCOUNT", account);
        requests.push(serde_json::from_str(&body).with_context(|| line.to_owned())?);
    }
    Ok(requests)
}

#[tokio::test]
async fn every_line_of_the_manual_is_answered_and_every_error_says_what_was_wrong() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let chain = Chain::start(folder.path(), true).await?;
    let (client, url) = (&chain.client, chain.url.as_str());
    let blobs = LocalBlobStore::open(folder.path().join("blobs"))?;
    let owner = Owner::alone("//Charlie");
    owner.register(client).await?;
    let bob = Owner::alone("//Bob").provider_key()?;
    let model = jobs::register_digits(client, &bob, &blobs).await?;
    let input = blobs.put(&jobs::one_image(3)?).await?;
    let subscriber = RpcClient::from_url(url).await?;
    let charlie = account_of(&owner.provider_key()?).to_string();
    let filter = json!({ "account": charlie });
    let mut changes = subscriber
        .subscribe::<Value>(
            "mizan_subscribeJobs",
            rpc_params![filter],
            "mizan_unsubscribeJobs",
        )
        .await?;

    // A job that nobody takes, until there is a worker.
    let job = jobs::post_one(client, &bob, model, input, None).await?;
    let open = result(url, "mizan_openJobs", json!([null, 10])).await?;
    ensure!(
        open["jobs"][0]["id"] == job && open["next"].is_null(),
        "{open}"
    );
    let explained = result(url, "mizan_explain", json!([job])).await?;
    ensure!(
        explained["outlook"]["rule"] == "no_live_worker",
        "{explained}"
    );
    let report = result(url, "mizan_worker", json!([charlie])).await?;
    ensure!(report["outlook"]["rule"] == "never_heard", "{report}");

    let worker = Worker::start("worker", &owner, url, blobs.folder(), folder.path(), true)?;
    heard(client, &owner, Deadline::seconds(60)).await?;
    let settled = jobs::reached(client, job, "settled", Deadline::seconds(120)).await?;
    drop(worker);

    for request in documented(job, &model, &charlie)? {
        let answer = post(url, &request).await?;
        ensure!(answer.get("result").is_some(), "{request}: {answer}");
    }
    let answered = result(url, "mizan_job", json!([job])).await?;
    ensure!(
        serde_json::to_value(&settled)? == answered,
        "the node says {answered}, the client {settled:?}"
    );
    check_explanations(url, job, &charlie).await?;
    check_errors(url, &model).await?;

    let mut rules = Vec::new();
    while rules.last().is_none_or(|rule| rule != "settled") {
        let next = tokio::time::timeout(std::time::Duration::from_secs(60), changes.next()).await;
        let note = next?.context("the subscription ended")??;
        ensure!(note["job"] == job, "{note}");
        rules.push(note["rule"].as_str().context("no rule")?.to_owned());
    }
    // The post names nobody but Bob, and Charlie had no part in the job then.
    ensure!(rules == ["assigned", "attested", "settled"], "{rules:?}");
    Ok(())
}

async fn check_explanations(url: &str, job: u64, provider: &str) -> Result<()> {
    let of_job = result(url, "mizan_explain", json!([job])).await?;
    let rules: Vec<_> = of_job["history"]
        .as_array()
        .context("no history")?
        .iter()
        .map(|note| note["rule"].as_str().unwrap_or_default())
        .collect();
    ensure!(
        rules == ["posted", "assigned", "attested", "settled"],
        "{of_job}"
    );
    ensure!(of_job["outlook"]["rule"] == "paid", "{of_job}");
    let of_account = result(url, "mizan_explain", json!([provider])).await?;
    let macs = result(url, "mizan_job", json!([job])).await?["macs"].clone();
    let units = &of_account["units"];
    ensure!(
        units["claimed_macs"] == macs && units["accepted_macs"] == macs,
        "{of_account}"
    );
    ensure!(
        units["rejected_macs"] == "0" && units["pending_macs"] == "0",
        "{of_account}"
    );
    let contribution = result(url, "mizan_contribution", json!([provider])).await?;
    ensure!(
        contribution["lifetime"]["settled_macs"] == macs,
        "{contribution}"
    );
    Ok(())
}

async fn check_errors(url: &str, model: &Hash) -> Result<()> {
    let (model, nobody) = (
        hex_hash(model),
        "5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM",
    );
    let unknown = hex_hash(&[0; 32]);
    let huge = u64::MAX;
    let table = [
        ("mizan_job", json!([huge]), 1001),
        ("mizan_job", json!([0, unknown]), 1006),
        ("mizan_job", json!([]), -32602),
        ("mizan_job", json!([-1]), -32602),
        ("mizan_job", json!(["0x"]), -32602),
        ("mizan_job", json!([0, "0x12"]), -32602),
        ("mizan_openJobs", json!([null, 0]), 1004),
        ("mizan_openJobs", json!([null, 101]), 1004),
        ("mizan_openJobs", json!([null, u32::MAX]), 1004),
        ("mizan_worker", json!([nobody]), 1003),
        ("mizan_worker", json!(["5Grwv"]), -32602),
        ("mizan_contribution", json!(["", 1]), -32602),
        ("mizan_modelCost", json!([unknown, 1]), 1002),
        ("mizan_modelCost", json!([model, 0]), 1005),
        ("mizan_modelCost", json!([model, u32::MAX]), 1005),
        ("mizan_modelCost", json!([model, u64::MAX]), -32602),
        ("mizan_explain", json!([huge]), 1001),
        ("mizan_explain", json!([nobody, null, 1_000]), 1004),
        ("mizan_explain", json!([{ "job": 1 }]), -32602),
    ];
    for (method, params, code) in table {
        let answer = call(url, method, params.clone()).await?;
        let error = &answer["error"];
        ensure!(error["code"] == code, "{method} {params}: {answer}");
        let said = error["message"].as_str().unwrap_or_default();
        ensure!(!said.is_empty(), "{method} {params}: {answer}");
    }
    let empty = result(url, "mizan_explain", json!([nobody])).await?;
    ensure!(
        empty["units"].is_null() && empty["history"] == json!([]),
        "{empty}"
    );
    let zeros = result(url, "mizan_contribution", json!([nobody, u32::MAX])).await?;
    ensure!(zeros["lifetime"]["jobs"] == 0, "{zeros}");
    // Malformed SCALE to the runtime API itself: an error, and the node lives on.
    for method in ["MarketApi_job", "MarketApi_explain_account"] {
        let answer = call(url, "state_call", json!([method, "0x01"])).await?;
        ensure!(answer.get("error").is_some(), "{method}: {answer}");
    }
    result(url, "system_health", json!([])).await?;
    Ok(())
}
