//! The `mizan` command: what it refuses, with which exit code and which words.

use anyhow::{ensure, Result};
use mizan_client::blobs::{BlobStore, LocalBlobStore};
use mizan_client::{hex_hash, units, At};
use mizan_tests::command::Mizan;
use mizan_tests::workers::Owner;
use mizan_tests::{chain::Chain, digits, jobs};

/// Fails unless the command ends with that code and kind, and says those words.
async fn refused(mizan: &Mizan, words: &[&str], code: i32, kind: &str, says: &str) -> Result<()> {
    let answer = mizan.run(words).await?;
    ensure!(answer.code == Some(code), "{words:?}: {answer:?}");
    ensure!(
        answer.object["error"]["kind"] == kind,
        "{words:?}: {answer:?}"
    );
    let message = answer.object["error"]["message"]
        .as_str()
        .unwrap_or_default();
    ensure!(message.contains(says), "{words:?}: {message}");
    Ok(())
}

#[tokio::test]
async fn command_moves_tokens_and_refuses_with_its_exit_codes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let chain = Chain::start(folder.path(), true).await?;
    let client = &chain.client;
    let blobs = LocalBlobStore::open(folder.path().join("blobs"))?;
    let bob_key = Owner::alone("//Bob").provider_key()?;
    let model = jobs::register_digits(client, &bob_key, &blobs).await?;
    let bob = Mizan::new(&chain.url, "//Bob", blobs.folder())?;

    let eve = mizan_client::account_of(&Owner::alone("//Eve").provider_key()?);
    let before = client.balance(&eve, At::Finalized).await?;
    let address = eve.to_string();
    let sent = bob
        .done(&["account", "transfer", "--to", &address, "--amount", "1.5"])
        .await?;
    ensure!(sent["amount"] == "1500000000000", "{sent}");
    let after = bob.done(&["account", "balance", &address]).await?;
    let expected = (before.free + units::UNIT + units::UNIT / 2).to_string();
    ensure!(after["balance"]["free"] == *expected, "{after}");

    let (id, input) = (hex_hash(&model), digits::input_file().display().to_string());
    let post = ["job", "post", "--model", &id, "--input", &input, "--batch"];
    let with = |more: &[&'static str]| -> Vec<&str> { [&post[..], more].concat() };
    let cheap = with(&["360", "--price", "0.0000001"]);
    refused(&bob, &cheap, 4, "refused", "Jobs.PriceTooLow").await?;
    let short = with(&["361", "--price", "1"]);
    refused(&bob, &short, 2, "usage", "has 23040 bytes, and 361 items").await?;
    let rich = [
        "account", "transfer", "--to", &address, "--amount", "9000000",
    ];
    refused(&bob, &rich, 4, "refused", "nothing was sent").await?;
    refused(
        &bob,
        &["job", "watch", "77"],
        1,
        "other",
        "there is no job 77",
    )
    .await?;
    let unknown = "0x".to_owned() + &"12".repeat(32);
    refused(
        &bob,
        &["model", "show", &unknown],
        1,
        "other",
        "no model 0x1212",
    )
    .await?;
    refused(
        &bob,
        &["job", "watch", "one"],
        2,
        "usage",
        "invalid value 'one'",
    )
    .await?;

    let nobody = Mizan::new(&chain.url, "no key", blobs.folder())?;
    refused(
        &nobody,
        &["account", "balance"],
        3,
        "key",
        "not a secret key",
    )
    .await?;
    let nowhere = Mizan::new("ws://127.0.0.1:1", "//Bob", blobs.folder())?;
    refused(
        &nowhere,
        &["account", "balance"],
        5,
        "unreachable",
        "ws://127.0.0.1:1",
    )
    .await?;

    let one = blobs.put(&jobs::one_image(0)?).await?;
    let job = jobs::post_one(client, &bob_key, model, one, None)
        .await?
        .to_string();
    let out = folder.path().join("out").display().to_string();
    refused(
        &bob,
        &["job", "fetch", &job, "--out", &out],
        1,
        "other",
        "no result yet",
    )
    .await?;
    refused(
        &bob,
        &["job", "watch", &job, "--timeout", "1"],
        5,
        "unreachable",
        "1 seconds",
    )
    .await
}
