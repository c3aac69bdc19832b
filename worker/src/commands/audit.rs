//! `mizan-worker audit`.

use super::run::{serve_metrics, stop_on_signal};
use anyhow::Result;
use mizan_client::blobs::LocalBlobStore;
use mizan_engine::CpuExecutor;
use mizan_worker::{
    advice::passing_folder,
    auditing::{
        choosing::Machine,
        follow,
        housekeeping::{Brought, ReceiptFolder},
        Auditor,
    },
    budget::Budget,
    cache::CacheLimits,
    daemon::Run,
    doctor, keystore,
    metrics::Metrics,
    settings::{Settings, Speed},
    supply::Supply,
};
use std::sync::Arc;
use tracing::info;

/// Audits until a signal or until something is wrong that only a person can put right.
pub(crate) async fn audit(settings: &Settings) -> Result<()> {
    // Before anything else, so that a signal that comes early is not lost.
    let stop = stop_on_signal()?;
    let auditor = Arc::new(equip(settings).await?);
    serve_metrics(settings, auditor.metrics.clone()).await?;
    let run = Run {
        url: settings.url.clone(),
        request: settings.request,
        stop: settings.stop,
    };
    Ok(follow::run(&run, auditor, stop).await?)
}

async fn equip(settings: &Settings) -> Result<Auditor> {
    let key = keystore::load(settings)?;
    // First the data: its folder is made for the owner only, and the others are in it.
    let receipts = ReceiptFolder::open(&settings.data)?;
    let limits = CacheLimits {
        bytes: settings.cache_bytes,
        age: settings.cache_age,
    };
    let brought = Brought::open(&settings.data, limits)?;
    let store = LocalBlobStore::open(&settings.blobs)?;
    let servers = settings.blob_servers.clone();
    let allow = settings.allow_private_blob_servers;
    let machine = Machine {
        macs_per_second: speed(settings).await?,
        bytes_per_second: settings.bandwidth,
    };
    let passing = match settings.advice {
        true => Some(passing_folder(&settings.data)?),
        false => None,
    };
    Ok(Auditor {
        supply: Supply::new(store, servers, allow, key.clone())?,
        key,
        executor: CpuExecutor::new(),
        budget: Budget::new(settings.memory),
        machine,
        max_demands: settings.max_demands,
        passing,
        receipts,
        brought,
        metrics: Arc::new(Metrics::new()?),
    })
}

/// Multiply-accumulates a second.
async fn speed(settings: &Settings) -> Result<u128> {
    if let Speed::Macs(macs) = settings.speed {
        return Ok(macs.into());
    }
    let measured = tokio::task::spawn_blocking(doctor::macs_per_second).await?;
    let macs = measured.unwrap_or(1);
    let millions = macs / 1_000_000;
    info!("this machine computes {millions} million multiply-accumulates a second");
    Ok(macs)
}
