//! Blobs over HTTP: what checking every 16 KiB costs beside a plain static server.
//!
//! Servers and clients are processes of their own, so that the peak of each one's memory can be
//! told: this program starts itself again, with its part in the environment.

use anyhow::{bail, ensure, Context, Result};
use axum::{body::Body, routing::get, Router};
use futures::stream;
use mizan_blobs::{
    BlobClient, BlobServer, BlobStore, ClientSettings, Hash, LocalBlobStore, Nobody, Settings,
    Storage, Url,
};
use serde_json::{json, Number, Value};
use std::{
    io::Read,
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};
use tokio::{
    fs::File,
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
};

/// The part that a process plays, in JSON; none in the one that measures.
const PART: &str = "MIZAN_BENCH_BLOBS";
/// 1 GiB.
const BLOB_BYTES: usize = 1 << 30;
const RUNS: usize = 3;
/// What the plain server reads at once.
const READ_BYTES: usize = 512 << 10;

/// Downloads 1 GiB over loopback to the disk, verified and plain in turn, three times each.
pub async fn figures() -> Result<Vec<(&'static str, Number)>> {
    if let Ok(part) = std::env::var(PART) {
        let result = play(&serde_json::from_str(&part)?).await?;
        println!("{result}");
        std::process::exit(0);
    }
    let folder = tempfile::Builder::new().prefix("mizan-bench-").tempdir()?;
    let store = LocalBlobStore::open(folder.path().join("served"))?;
    let hash = store.put(&random_bytes()).await?;
    let path = store.path_of(hash);
    let mut verified = Part::start(json!({ "part": "server", "folder": store.folder() })).await?;
    let mut plain = Part::start(json!({ "part": "plain_server", "file": path })).await?;
    // Uploaded blobs have their hash tree at once; this one has it after the first request.
    let tree = format!("{}/v1/blobs/{}/verified", verified.said()?, name(&hash));
    drop(reqwest::get(tree).await?.error_for_status()?);
    let (mut verified_runs, mut plain_runs) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        let into = folder.path().join(format!("client-{run}"));
        let part = |part: &str, url: &str| json!({ "part": part, "url": url, "hash": name(&hash), "into": into });
        for (runs, part) in [
            (&mut plain_runs, part("plain_client", plain.said()?)),
            (&mut verified_runs, part("client", verified.said()?)),
        ] {
            let client = Part::start(part).await?;
            runs.push(client.report.clone());
            client.end().await?;
            tokio::fs::remove_dir_all(&into).await?;
        }
    }
    let server_peak = verified.stop().await?;
    plain.stop().await?;
    folder.close()?;
    summary(&verified_runs, &plain_runs, server_peak)
}

fn summary(
    verified: &[Value],
    plain: &[Value],
    server_peak: f64,
) -> Result<Vec<(&'static str, Number)>> {
    let (verified_seconds, plain_seconds) =
        (median(verified, "seconds")?, median(plain, "seconds")?);
    let mebibytes = BLOB_BYTES as f64 / f64::from(1 << 20);
    let figure =
        |figure: f64| Number::from_f64((figure * 100.0).round() / 100.0).context("not a number");
    Ok(vec![
        (
            "download_over_plain_http",
            figure(verified_seconds / plain_seconds)?,
        ),
        ("verified_mib_per_s", figure(mebibytes / verified_seconds)?),
        ("plain_mib_per_s", figure(mebibytes / plain_seconds)?),
        ("client_peak_mib", figure(median(verified, "peak_mib")?)?),
        ("server_peak_mib", figure(server_peak)?),
    ])
}

fn median(runs: &[Value], field: &str) -> Result<f64> {
    let values = runs.iter().map(|run| run[field].as_f64());
    let mut values: Vec<f64> = values
        .collect::<Option<_>>()
        .context("a run has no figures")?;
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().context("no runs")
}

/// A process that plays a part.
struct Part {
    process: Child,
    output: BufReader<tokio::process::ChildStdout>,
    /// The first line that it printed.
    report: Value,
}

impl Part {
    async fn start(part: Value) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(std::env::args_os().skip(1))
            .env(PART, part.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().context("no output")?;
        let mut output = BufReader::new(output);
        let report = read_line(&mut output)
            .await
            .with_context(|| format!("{part} failed"))?;
        Ok(Self {
            process,
            output,
            report,
        })
    }

    fn said(&self) -> Result<&str> {
        self.report["url"]
            .as_str()
            .context("the server names no URL")
    }

    /// Ends a server, which says its peak of memory then.
    async fn stop(&mut self) -> Result<f64> {
        drop(self.process.stdin.take());
        let report = read_line(&mut self.output).await?;
        ensure!(self.process.wait().await?.success(), "a server failed");
        report["peak_mib"].as_f64().context("no peak")
    }

    async fn end(mut self) -> Result<()> {
        ensure!(self.process.wait().await?.success(), "a client failed");
        Ok(())
    }
}

/// The next line in JSON. A test's process prints other lines as well.
async fn read_line(output: &mut BufReader<tokio::process::ChildStdout>) -> Result<Value> {
    let mut line = String::new();
    while output.read_line(&mut line).await? > 0 {
        if let Some(start) = line.find('{') {
            return Ok(serde_json::from_str(&line[start..])?);
        }
        line.clear();
    }
    bail!("it ended without a word")
}

async fn play(part: &Value) -> Result<Value> {
    let text = |field: &str| {
        part[field]
            .as_str()
            .with_context(|| format!("{field} is missing"))
    };
    match text("part")? {
        "server" => serve(text("folder")?).await,
        "plain_server" => serve_plain(text("file")?.into()).await,
        "client" => {
            let hash = mizan_client::parse_hash(text("hash")?).context("no hash")?;
            fetch(text("url")?.parse()?, hash, Path::new(text("into")?)).await
        }
        "plain_client" => fetch_plain(text("url")?, Path::new(text("into")?)).await,
        part => bail!("there is no part {part}"),
    }
}

async fn serve(folder: &str) -> Result<Value> {
    let storage = Storage::in_folder(LocalBlobStore::open(folder)?)?;
    let address = "127.0.0.1:0".parse()?;
    let server = BlobServer::bind(address, storage, Settings::default(), Box::new(Nobody)).await?;
    println!(
        "{}",
        json!({ "url": format!("http://{}", server.address()) })
    );
    server.run(end_of_input()).await;
    peak(json!({}))
}

async fn serve_plain(file: PathBuf) -> Result<Value> {
    let send = move || {
        let file = file.clone();
        async move { send_file(&file).await.map_err(|error| error.to_string()) }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("{}", json!({ "url": url }));
    axum::serve(listener, Router::new().route("/", get(send)))
        .with_graceful_shutdown(end_of_input())
        .await?;
    peak(json!({}))
}

async fn send_file(path: &Path) -> std::io::Result<([(&'static str, u64); 1], Body)> {
    let file = File::open(path).await?;
    let length = file.metadata().await?.len();
    let pieces = stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; READ_BYTES];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        std::io::Result::Ok((read > 0).then_some((piece, file)))
    });
    Ok(([("content-length", length)], Body::from_stream(pieces)))
}

async fn fetch(server: Url, hash: Hash, into: &Path) -> Result<Value> {
    let store = LocalBlobStore::open(into)?;
    let client = BlobClient::new(ClientSettings {
        allow_private: true,
        ..ClientSettings::default()
    })?;
    let start = Instant::now();
    let length = client.fetch(&[server], hash, u64::MAX, &store).await?;
    let seconds = start.elapsed().as_secs_f64();
    ensure!(length == BLOB_BYTES as u64, "{length} bytes came");
    peak(json!({ "seconds": seconds }))
}

async fn fetch_plain(url: &str, into: &Path) -> Result<Value> {
    std::fs::create_dir_all(into)?;
    let start = Instant::now();
    let mut answer = reqwest::get(url).await?.error_for_status()?;
    let mut file = File::create(into.join("blob")).await?;
    while let Some(piece) = answer.chunk().await? {
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    file.sync_all().await?;
    let seconds = start.elapsed().as_secs_f64();
    let length = file.metadata().await?.len();
    ensure!(length == BLOB_BYTES as u64, "{length} bytes came");
    peak(json!({ "seconds": seconds }))
}

async fn end_of_input() {
    // Whatever ends the input, the measuring process wants no more.
    let read = || std::io::stdin().read_to_end(&mut Vec::new());
    let _ = tokio::task::spawn_blocking(read).await;
}

/// Adds the most memory that this process had.
fn peak(mut report: Value) -> Result<Value> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kibibytes: f64 = kibibytes.context("no VmHWM")?.trim().parse()?;
    report["peak_mib"] = (kibibytes / 1024.0).into();
    Ok(report)
}

fn name(hash: &Hash) -> String {
    mizan_client::hex_hash(hash)
        .trim_start_matches("0x")
        .to_owned()
}

/// Bytes that nothing can compress, by xorshift.
fn random_bytes() -> Vec<u8> {
    let mut bytes = vec![0; BLOB_BYTES];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for word in bytes.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        word.copy_from_slice(&state.to_le_bytes());
    }
    bytes
}
