//! # Mizan node: validates and serves the Mizan chain.
//!
//! ## Overview
//!
//! A node keeps the chain's state, passes transactions on, answers wallets and workers over
//! JSON-RPC and, where it holds a validator's keys, authors blocks and votes on finality. It knows
//! nothing of GPUs: their owners run a worker, which talks to any node.
//!
//! | File | What |
//! | --- | --- |
//! | `cli` | the command line |
//! | `command` | what each command does |
//! | `chain_spec` | the chains this node knows by name |
//! | `service` | the node's parts and how they are joined |
//! | `authoring` | BABE: authoring blocks |
//! | `finality` | GRANDPA: voting on finality |
//! | `rpc` | what the node answers beyond the SDK's own methods |
//!
//! ## Non-goals
//!
//! - Executing, checking or storing the work that the chain pays for.
//! - Benchmarking: weights are measured by a tool of its own.

// The SDK's error types are large; they are made once, when the node fails to start.
#![allow(clippy::result_large_err)]

mod authoring;
mod chain_spec;
mod cli;
mod command;
mod finality;
mod rpc;
mod service;

fn main() -> polkadot_sdk::sc_cli::Result<()> {
    command::run()
}
