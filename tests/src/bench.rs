//! Figures for docs/benchmarks.md; `scripts/bench` runs them.

pub mod audit;
pub mod blobs;
pub mod commit_overhead;
pub mod cpu_gemm;
pub mod cpu_network;
pub mod fraud_proof;
pub mod gpu;
mod network;
pub mod weights;
