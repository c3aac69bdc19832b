//! `/metrics` and `/health` over HTTP.

use super::Metrics;
use axum::{
    extract::State,
    http::{header::CONTENT_TYPE, StatusCode},
    response::IntoResponse,
    routing::get,
    Router,
};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The address can't be used.
    #[error("metrics can't be served at {address}: {source}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The figures contradict each other.
    #[error("metrics: {0}")]
    Figures(#[from] prometheus::Error),
}

/// A server that accepts connections once it is told to serve.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Takes the address. Port 0 takes any that is free.
    pub async fn at(address: SocketAddr) -> Result<Self, MetricsError> {
        let unusable = |source| MetricsError::Address { address, source };
        let listener = TcpListener::bind(address).await.map_err(unusable)?;
        let address = listener.local_addr().map_err(unusable)?;
        Ok(Self { listener, address })
    }

    /// The address with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process ends.
    pub async fn serve(self, metrics: Arc<Metrics>) -> Result<(), MetricsError> {
        let router = Router::new()
            .route("/metrics", get(figures))
            .route("/health", get(health))
            .with_state(metrics);
        let address = self.address;
        let served = axum::serve(self.listener, router).await;
        served.map_err(|source| MetricsError::Address { address, source })
    }
}

async fn figures(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    match metrics.text() {
        Ok(text) => (
            StatusCode::OK,
            [(CONTENT_TYPE, prometheus::TEXT_FORMAT)],
            text,
        ),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(CONTENT_TYPE, "text/plain")],
            error.to_string(),
        ),
    }
}

async fn health(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    if metrics.connected.get() == 0 {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "not connected to the node\n",
        );
    }
    if metrics.disk_full.get() != 0 {
        return (StatusCode::SERVICE_UNAVAILABLE, "the disk is full\n");
    }
    (StatusCode::OK, "connected\n")
}
