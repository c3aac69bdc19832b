//! A GPU that its owner lends while nobody else uses it, behind an emulated driver.

use crate::setting::Setting;
use crate::{emulated::DRIVER, held::HeldBlob, nvml::LIBRARY};
use anyhow::{ensure, Context, Result};
use mizan_client::blobs::BlobStore;
use mizan_client::calls::{self, Offer};
use mizan_client::{account_of, At, Hash};
use mizan_tests::binaries;
use mizan_tests::jobs::{one_image, PRICE};
use mizan_tests::wait::Deadline;
use mizan_tests::workers::{heard, Owner};
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{timeout, Duration};

/// What is waited for comes much sooner.
const LINE: Duration = Duration::from_secs(90);
/// Blocks that a job has, and waits: longer than a worker keeps back for delivering it.
const BLOCKS: u32 = 30;

/// Says how much process 1 uses the GPU.
fn used(folder: &Path, percent: u32) -> Result<()> {
    let (new, path) = (folder.join("new"), folder.join("nvml"));
    std::fs::write(&new, format!("using=1:{percent}\n"))?;
    Ok(std::fs::rename(new, path)?)
}

/// A worker whose GPU is emulated.
struct Lent {
    _process: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Lent {
    fn start(setting: &Setting, owner: &Owner) -> Result<Self> {
        let folder = setting.folder.path();
        let libraries = std::env::join_paths([&*DRIVER, &*LIBRARY])?;
        let mut process = Command::new(binaries::find("mizan-worker")?)
            .args(["run", "--url", &setting.chain.url, "--key", &owner.worker])
            .args(["--device", "cuda", "--idle-only", "--idle-seconds", "1"])
            .arg("--blobs")
            .arg(setting.blobs.folder())
            .arg("--data")
            .arg(folder.join("worker"))
            .env("LD_LIBRARY_PATH", libraries)
            .env("MIZAN_TEST_DRIVER", "")
            .env("MIZAN_TEST_NVML", folder.join("nvml"))
            .env("XDG_CONFIG_HOME", "/nonexistent")
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let said = process.stderr.take().context("it has no output")?;
        Ok(Self {
            _process: process,
            lines: BufReader::new(said).lines(),
        })
    }

    /// Waits until it says that; gives all that it said until then.
    async fn says(&mut self, words: &str) -> Result<String> {
        let mut all = String::new();
        let reading = async {
            while let Some(line) = self.lines.next_line().await? {
                all = format!("{all}{line}\n");
                if line.contains(words) {
                    return Ok(());
                }
            }
            anyhow::bail!("it ended")
        };
        let read = timeout(LINE, reading).await;
        read.context("too late")
            .and_then(|read| read)
            .with_context(|| format!("{words}: not in\n{all}"))?;
        Ok(all)
    }
}

async fn post(setting: &Setting, owner: &Owner, input: Hash) -> Result<u64> {
    let alice = Owner::alone("//Alice").provider_key()?;
    let offer = Offer {
        model: setting.model,
        batch: 1,
        inputs: vec![input],
        price_per_unit: PRICE,
        duration_blocks: BLOCKS,
        wait_blocks: BLOCKS,
        worker: Some(account_of(&owner.worker_key()?)),
        blob_servers: Vec::new(),
    };
    let included = setting
        .client()
        .submit(&calls::post_job(offer), &alice)
        .await?;
    included.posted_job().context("no job was posted")
}

#[tokio::test]
async fn a_worker_is_offline_while_its_gpu_is_used_and_finishes_the_job_that_it_has() -> Result<()>
{
    let setting = Setting::new().await?;
    let owner = Owner::alone("//Charlie");
    owner.register(setting.client()).await?;
    let folder = setting.folder.path();
    used(folder, 50)?;
    let mut worker = Lent::start(&setting, &owner)?;
    worker.says("no new jobs while no GPU may work").await?;
    let account = account_of(&owner.worker_key()?);
    let silent = setting.client().worker(&account, At::Best).await?;
    ensure!(silent.context("it is registered")?.heard_block.is_none());

    used(folder, 0)?;
    worker.says("new jobs are taken again").await?;
    heard(setting.client(), &owner, Deadline::seconds(60)).await?;
    post(&setting, &owner, setting.blobs.put(&one_image(0)?).await?).await?;
    let said = worker.says("step=attested").await?;
    ensure!(said.contains("executor=\"cuda\""), "{said}");

    // It has this one when somebody begins to use the GPU, and can't read its input before.
    let held = HeldBlob::new(&setting.blobs, one_image(1)?)?;
    post(&setting, &owner, held.hash()).await?;
    let held = held.opened(Deadline::seconds(60)).await?;
    used(folder, 50)?;
    let before = worker.says("offline from block").await?;
    setting.outlook(&owner, "offline").await?;
    let late = post(&setting, &owner, setting.blobs.put(&one_image(2)?).await?).await?;
    held.give()?;
    let said = before + &worker.says("step=attested").await?;
    let says = "GPU 0: works for a job that would be late otherwise, though paused, another \
                program uses it (50 %)";
    ensure!(said.contains(says), "{said}");
    // The worker's slot is free by now.
    let waiting = setting.client().job(late, At::Best).await?;
    let state = waiting.context("it was posted")?.state;
    ensure!(state.name() == "open", "{state:?}");

    used(folder, 0)?;
    let said = worker.says("step=attested").await?;
    ensure!(said.contains("new jobs are taken again"), "{said}");
    ensure!(said.contains(&format!("job={late} ")), "{said}");
    let counted = setting.client().worker(&account, At::Finalized).await?;
    let misses = counted.context("it is registered")?.misses;
    ensure!(misses == 0, "{misses} misses");
    Ok(())
}
