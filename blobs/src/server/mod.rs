//! Blobs over HTTP, for those who have what others need.

mod admission;
mod advice;
mod connections;
mod downloads;
mod garbage;
mod http_error;
mod locations;
mod room;
mod slices;
mod storage;
mod uploads;
mod verified;

pub use admission::{Accounts, Admission, Gate, Nobody, Refusal, Tokens, TokensError, Upload};
pub use garbage::{Collected, GarbageRules};
pub use storage::{Storage, StorageError};

use axum::{
    extract::{ConnectInfo, Request},
    http::StatusCode,
    middleware::{self, Next},
    response::Response,
    routing::get,
    Router,
};
use connections::{Activity, Limited};
use http_error::{respond_json, HttpError};
use room::Room;
use serde_json::json;
use std::{
    future::{Future, IntoFuture},
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, time};

/// What a server takes and bears.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest blob that can be uploaded.
    pub max_blob_bytes: u64,
    /// All blobs and advice lists together; uploads that do not fit are refused until garbage is collected. What
    /// other processes put into a folder counts from the next collection on.
    pub max_total_bytes: u64,
    /// Uploads at once.
    pub max_uploads: usize,
    /// What an account or a token may upload from midnight to midnight (UTC). Counted in memory.
    pub max_bytes_per_day: u64,
    /// Connections at once; more wait.
    pub max_connections: usize,
    /// Who does nothing for so long is left, and who takes longer to say what it wants.
    pub idle: Duration,
    /// Who is slower, up or down, is left.
    pub min_bytes_per_second: u64,
}

impl Default for Limits {
    /// 16 GiB a blob, 256 GiB in all, 64 GiB an account and day, 32 uploads and 512 connections at
    /// once, 30 seconds, 4 KiB a second.
    fn default() -> Self {
        Self {
            max_blob_bytes: 16 << 30,
            max_total_bytes: 256 << 30,
            max_uploads: 32,
            max_bytes_per_day: 64 << 30,
            max_connections: 512,
            idle: Duration::from_secs(30),
            min_bytes_per_second: 4 << 10,
        }
    }
}

/// How a server is run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What it takes and bears.
    pub limits: Limits,
    /// Secrets that entitle to uploads.
    pub tokens: Tokens,
    /// `host:port` by which clients address it. Signatures for other names are refused. Those of
    /// the bound address are added; a server behind a proxy must name the proxy's.
    pub names: Vec<String>,
    /// What is garbage, and how often to look for it.
    pub garbage: Option<(GarbageRules, Duration)>,
}

/// Requests get so long to end after the server was told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Why a server can't be started or goes down.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address can't be had.
    #[error("can't listen on {address}: {source}; choose another address or stop who has it")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The storage can't be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A server of blobs, bound and ready to [`run`](Self::run).
pub struct BlobServer {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    storage: Storage,
    limits: Limits,
    tokens: Tokens,
    names: Vec<String>,
    garbage: Option<(GarbageRules, Duration)>,
    gate: Box<dyn Gate>,
    room: Arc<Room>,
}

impl BlobServer {
    /// Binds the address and looks at how much is stored. `gate` decides which accounts may upload.
    pub async fn bind(
        address: SocketAddr,
        storage: Storage,
        settings: Settings,
        gate: Box<dyn Gate>,
    ) -> Result<Self, ServerError> {
        let bind = |source| ServerError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let Settings {
            limits,
            tokens,
            names,
            garbage,
        } = settings;
        let room = Arc::new(Room::new(limits.clone(), storage.total_bytes().await?));
        let shared = Arc::new(Shared {
            names: with_own(names, address),
            storage,
            limits,
            tokens,
            garbage,
            gate,
            room,
        });
        Ok(Self {
            listener,
            address,
            shared,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is done, then lets requests end for at most 10 seconds. What goes on
    /// after that ends with the process.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        let (stopping, mut stopped) = watch::channel(false);
        let signal = async move {
            stop.await;
            let _ = stopping.send(true);
        };
        let limits = &self.shared.limits;
        let listener = Limited::new(
            self.listener,
            limits.max_connections,
            limits.idle,
            limits.min_bytes_per_second,
        );
        let service = routes(self.shared.clone()).into_make_service_with_connect_info::<Activity>();
        let serve = axum::serve(listener, service).with_graceful_shutdown(signal);
        let overtime = async {
            // An error means that the sender is gone, and with it the server.
            let _ = stopped.wait_for(|stopped| *stopped).await;
            time::sleep(STOP_WITHIN).await;
        };
        tokio::select! {
            _ = serve.into_future() => {}
            () = overtime => tracing::warn!("stopped before all requests had ended"),
            () = collect_forever(&self.shared) => {}
        }
    }
}

fn with_own(mut names: Vec<String>, address: SocketAddr) -> Vec<String> {
    names
        .iter_mut()
        .for_each(|name| *name = name.to_lowercase());
    let port = address.port();
    names.push(address.to_string());
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        names.extend(["localhost", "127.0.0.1", "[::1]"].map(|host| format!("{host}:{port}")));
    }
    names
}

async fn collect_forever(shared: &Shared) {
    let Some((rules, every)) = &shared.garbage else {
        return std::future::pending().await;
    };
    // A timer does not take zero.
    let mut ticks = time::interval((*every).max(Duration::from_millis(10)));
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match shared.storage.collect_garbage(rules).await {
            Ok(collected) => {
                shared.room.set_stored(collected.bytes_left);
                tracing::info!(?collected, "collected garbage");
            }
            Err(error) => tracing::error!(%error, "could not collect garbage"),
        }
    }
}

fn routes(shared: Arc<Shared>) -> Router {
    let blob = get(downloads::plain).put(uploads::put);
    Router::new()
        .route("/v1/health", get(health))
        .route("/v1/blobs/{hash}", blob)
        .route("/v1/blobs/{hash}/verified", get(verified::stream))
        .route("/v1/blobs/{hash}/slice", get(slices::slice))
        .route("/v1/uploads/{hash}", get(uploads::arrived))
        .route("/v1/advice/{job}", get(advice::get).put(advice::put))
        .fallback(|| async { HttpError::not_found("there is no such address here".into()) })
        .method_not_allowed_fallback(|| async { HttpError::method_not_allowed() })
        .layer(middleware::from_fn(mark_working))
        .with_state(shared)
}

/// Lets the connection know that a request is being worked on. A handler whose response goes on
/// after it returns keeps the mark.
async fn mark_working(
    ConnectInfo(activity): ConnectInfo<Activity>,
    mut request: Request,
    next: Next,
) -> Response {
    let working = activity.begin();
    request.extensions_mut().insert(working.clone());
    let response = next.run(request).await;
    drop(working);
    response
}

async fn health() -> Response {
    let body = json!({ "ready": true, "version": env!("CARGO_PKG_VERSION") });
    respond_json(StatusCode::OK, &body)
}
