//! Keys, settings, and the doctor.

use crate::setting::Setting;
use anyhow::{ensure, Result};
use mizan_tests::workers::{run_command, Answer, Owner};
use serde_json::Value;
use std::path::Path;

#[tokio::test]
async fn keys_and_settings_that_can_not_be_used_are_refused_with_3() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let data = path("data");
    let run = async |words: &[&str]| -> Result<Answer> {
        run_command(&[words, &["--data", &data, "--url", "ws://127.0.0.1:1"]].concat()).await
    };
    let refused = |answer: &Answer, says: &str| {
        let right = answer.code == Some(3) && answer.said.contains(says);
        ensure!(right, "{says}: {answer:?}");
        Ok(())
    };
    refused(&run(&["run"]).await?, "mizan-worker key new")?;
    let made = run(&["key", "new"]).await?;
    ensure!(made.code == Some(0), "{made:?}");
    let shown = run(&["key", "show", "--json"]).await?.object()?;
    ensure!(shown["account"] == made.result.trim(), "{shown}");
    refused(&run(&["key", "new"]).await?, "never written over")?;

    let key = path("data/key");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644))?;
    let answer = run(&["run"]).await?;
    refused(&answer, &format!("chmod 600 {key}"))?;
    let words = std::fs::read_to_string(&key)?;
    ensure!(!answer.said.contains(words.trim()), "a secret was shown");

    let config = path("worker.toml");
    for (text, says) in [
        (
            "memory = [1]\n",
            "memory: found sequence, expected auto, or a number of bytes",
        ),
        (
            "stop_seconds = \"soon\"\n",
            "stop_seconds: found string \"soon\", expected a number",
        ),
        ("memroy = \"auto\"\n", "there is no setting memroy"),
        ("url =\n", "is not TOML"),
    ] {
        std::fs::write(&config, text)?;
        let answer = run(&["run", "--config", &config]).await?;
        refused(&answer, says)?;
        refused(&answer, &config)?;
    }
    std::fs::write(&config, "memory = \"2 GiB\"\n")?;
    let words = ["config", "show", "--json", "--config", &config];
    let shown = run(&words).await?.object()?;
    let setting = |name: &str| shown["settings"][name].clone();
    ensure!(setting("memory")["value"] == "2 GiB", "{shown}");
    ensure!(setting("memory")["origin"] == *config, "{shown}");
    ensure!(setting("url")["origin"] == "--url", "{shown}");
    ensure!(setting("cache_days")["origin"] == "the default", "{shown}");
    Ok(())
}

#[tokio::test]
async fn doctor_finds_a_good_set_up_good_and_says_how_to_mend_a_bad_one() -> Result<()> {
    let setting = Setting::new().await?;
    let owner = Owner::alone("//Charlie");
    owner.register(setting.client()).await?;
    let _worker = setting.worker("worker", &owner, &[]).await?;
    let folder = setting.folder.path();
    let text = |path: &Path| path.display().to_string();
    let (data, blobs) = (text(&folder.join("worker")), text(setting.blobs.folder()));
    let common = ["doctor", "--json", "--url", &setting.chain.url, "--data"];
    let with = |more: &[&'static str], data: &str| {
        let words = common
            .iter()
            .copied()
            .chain([data])
            .chain(more.iter().copied());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    let examine = async |words: Vec<String>| -> Result<Answer> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        run_command(&[&words[..], &["--blobs", &blobs]].concat()).await
    };
    let good = examine(with(&["--key", "//Charlie"], &data)).await?;
    let report = good.object()?;
    ensure!(
        good.code == Some(0) && report["healthy"] == true,
        "{report}"
    );
    for check in [
        "key",
        "node",
        "journal",
        "clock",
        "registration",
        "bond",
        "outlook",
    ] {
        let health = health_of(&report, check);
        ensure!(health == Some("ok"), "{check} is {health:?}: {report}");
    }

    let nowhere = text(&folder.join("nowhere"));
    let bad = examine(with(
        &["--key", "//Ferdie", "--memory", "900 TiB"],
        &nowhere,
    ))
    .await?;
    let report = bad.object()?;
    ensure!(
        bad.code == Some(8) && report["healthy"] == false,
        "{report}"
    );
    for check in ["registration", "memory"] {
        let health = health_of(&report, check);
        ensure!(health == Some("problem"), "{check} is {health:?}: {report}");
    }
    let no_key = examine(with(&[], &nowhere)).await?;
    ensure!(no_key.code == Some(8), "{no_key:?}");
    ensure!(no_key.result.contains("mizan-worker key new"), "{no_key:?}");
    ensure!(!folder.join("nowhere").exists(), "the doctor made a folder");
    Ok(())
}

fn health_of<'a>(report: &'a Value, check: &str) -> Option<&'a str> {
    let mut checks = report["checks"].as_array()?.iter();
    checks.find(|finding| finding["check"] == check)?["health"].as_str()
}
