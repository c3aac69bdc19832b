//! The chain's calls, storage and events, generated from the pinned metadata.
//!
//! `runtime::tx()`-style builders are in [`transactions`], storage addresses in [`storage`],
//! events in a module of each pallet. The rest of this crate wraps most of it: see
//! [`calls`](crate::calls) and [`Client`](crate::Client).
#![allow(missing_docs, unreachable_pub, clippy::all)]

// Cargo does not see what the macro reads: this lets it build again when the metadata changes.
const _: &[u8] = include_bytes!("../metadata.scale");

#[subxt::subxt(
    runtime_metadata_path = "metadata.scale",
    substitute_type(
        path = "mizan_tensor::dispute::Accusation",
        with = "::subxt::utils::Static<::mizan_tensor::Accusation>"
    ),
    substitute_type(
        path = "mizan_tensor::dispute::Request",
        with = "::subxt::utils::Static<::mizan_tensor::Request>"
    ),
    substitute_type(
        path = "mizan_tensor::audit::AuditScope",
        with = "::subxt::utils::Static<::mizan_tensor::AuditScope>"
    )
)]
mod generated {}

pub use generated::*;
