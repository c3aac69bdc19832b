//! Figures for docs/benchmarks.md; `scripts/bench` runs them.

pub mod blobs;
pub mod cpu_gemm;
pub mod weights;
