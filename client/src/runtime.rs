//! The chain's calls, storage and events, generated from the pinned metadata.
//!
//! `runtime::tx()`-style builders are in [`transactions`], storage addresses in [`storage`],
//! events in a module of each pallet. The rest of this crate wraps most of it: see
//! [`calls`](crate::calls) and [`Client`](crate::Client).
#![allow(missing_docs, unreachable_pub, clippy::all)]

#[subxt::subxt(runtime_metadata_path = "metadata.scale")]
mod generated {}

pub use generated::*;
