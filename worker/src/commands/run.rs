//! `mizan-worker run`.

use anyhow::Result;
use mizan_client::{account_of, blobs::LocalBlobStore, calls, ClientError, Keypair};
use mizan_engine::CpuExecutor;
use mizan_worker::{
    advice::Advisor,
    budget::Budget,
    cache::CacheLimits,
    daemon, devices,
    disk::DiskWatch,
    equipment::Equipment,
    journal::Journal,
    keystore,
    lending::Lending,
    metrics::{Listening, Metrics},
    node::{pauses, Node, LONGEST_PAUSE},
    precedence::PaidJobs,
    rivals::Rivals,
    settings::Settings,
    supply::Supply,
};
use std::sync::Arc;
use tokio::{
    signal::unix::{signal, SignalKind},
    sync::{watch, RwLock},
};
use tracing::{error, info, warn};

/// Works until a signal or until something is wrong that only a person can put right.
pub(crate) async fn run(settings: &Settings) -> Result<()> {
    // Before anything else, so that a signal that comes early is not lost.
    let mut stop = stop_on_signal()?;
    let equipment = tokio::select! {
        equipment = equip(settings) => Arc::new(equipment?),
        // GPUs may take their time to start.
        _ = stop.wait_for(|stop| *stop) => return Ok(()),
    };
    serve_metrics(settings, equipment.metrics.clone()).await?;
    if let Some(ask) = settings.ask {
        set_ask(settings, &equipment.key, ask, stop.clone()).await?;
    }
    let run = daemon::Run {
        url: settings.url.clone(),
        request: settings.request,
        stop: settings.stop,
    };
    Ok(daemon::run(&run, equipment, stop).await?)
}

/// Serves metrics where the settings say so.
pub(super) async fn serve_metrics(settings: &Settings, metrics: Arc<Metrics>) -> Result<()> {
    let Some(address) = settings.metrics else {
        return Ok(());
    };
    let listening = Listening::at(address).await?;
    info!("metrics at http://{}/metrics", listening.address());
    if settings.metrics_are_public() {
        warn!("other machines can read the metrics: a firewall should say which");
    }
    tokio::spawn(async move {
        if let Err(failure) = listening.serve(metrics).await {
            error!("{failure}; the worker goes on without metrics");
        }
    });
    Ok(())
}

/// Is set when the first signal comes. The second one ends the process at once.
pub(super) fn stop_on_signal() -> Result<watch::Receiver<bool>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            info!("stopped by {name}");
            if stop.send_replace(true) {
                // Journal or chain know how to go on.
                std::process::exit(0);
            }
        }
    });
    Ok(stopped)
}

async fn equip(settings: &Settings) -> Result<Equipment> {
    let key = keystore::load(settings)?;
    // First the journal: its folder is made for the owner only, and the others are in it.
    let journal = Journal::open(&settings.data)?;
    let store = LocalBlobStore::open(&settings.blobs)?;
    let servers = settings.blob_servers.clone();
    let allow = settings.allow_private_blob_servers;
    let processor = CpuExecutor::new();
    let metrics = Arc::new(Metrics::new()?);
    let lending = Arc::new(Lending::new(settings, metrics.clone()));
    let computing = devices::start(settings, &processor, &metrics, &lending).await?;
    let advisor = match settings.advice {
        true => Some(Advisor::new(processor, &settings.data)?),
        false => None,
    };
    Ok(Equipment {
        supply: Supply::new(store, servers, allow, key.clone())?,
        key,
        journal,
        executor: computing.executor,
        max_job_bytes: settings.max_job_bytes,
        budget: Budget::without(settings.memory, computing.shared_bytes),
        lending,
        paid: PaidJobs::default(),
        advisor,
        disk: DiskWatch::new(vec![settings.data.clone(), settings.blobs.clone()]),
        rivals: Rivals::default(),
        metrics,
        cache: CacheLimits {
            bytes: settings.cache_bytes,
            age: settings.cache_age,
        },
        sweeping: RwLock::new(()),
    })
}

/// Sets the ask of a registered worker that is its own provider, however long the node is down.
async fn set_ask(
    settings: &Settings,
    key: &Keypair,
    ask: u128,
    mut stop: watch::Receiver<bool>,
) -> Result<(), ClientError> {
    let mut waits = pauses();
    loop {
        let pause = waits.next().unwrap_or(LONGEST_PAUSE);
        tokio::select! {
            done = try_to_set_ask(settings, key, ask) => match done {
                Err(error) if error.is_transient() => {
                    let seconds = pause.as_secs_f32();
                    warn!("the ask is not set yet: {error}; trying again in {seconds:.1} seconds");
                }
                done => return done,
            },
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        }
    }
}

async fn try_to_set_ask(settings: &Settings, key: &Keypair, ask: u128) -> Result<(), ClientError> {
    let node = Node::connect(&settings.url, settings.request).await?;
    let account = account_of(key);
    match node.worker(&account).await? {
        Some(worker) if worker.ask == ask => {}
        Some(worker) if worker.provider != account => {
            warn!("only the provider, {}, can change the ask", worker.provider);
        }
        Some(_) => {
            node.submit(&calls::set_ask(account, ask), key).await?;
            info!("the ask is set");
        }
        None => {}
    }
    Ok(())
}
